//! Sockets of other network namespaces, and the ports that containers publish.

use crate::app::table::widths::WidthReason;
use crate::app::tests::*;
use crate::keymap::TableAction;
use crate::model::{
    Container, Engine, Namespace, NamespaceId, NamespaceScope, Problem, ProblemCode, Published,
    PublishedBy,
};

fn container(name: &str) -> Arc<Container> {
    Arc::new(Container {
        engine: Some(Engine::Docker),
        id: Some("3f2a9c14b0de".into()),
        name: name.into(),
        image: Some("nginx:1.27".into()),
        project: Some("shop".into()),
        service: Some("front".into()),
        pod: None,
    })
}

fn namespace(id: u32, name: &str, is_container: bool) -> Arc<Namespace> {
    Arc::new(Namespace {
        id: NamespaceId(id),
        inode: Some(4_026_532_000 + u64::from(id)),
        cookie: None,
        name: name.into(),
        container: is_container.then(|| container(name)),
    })
}

fn owned(port: u16, pid: u32, name: &str) -> Socket {
    let local = Endpoint::new([0, 0, 0, 0].into(), port);
    let process = Arc::new(Process {
        command: Some(name.into()),
        ..Process::new(pid, name)
    });
    Socket {
        local,
        owner: Owner::Known([process].into()),
        ..listener(port)
    }
}

fn inside(namespace: &Arc<Namespace>, port: u16, pid: u32, name: &str) -> Socket {
    Socket {
        inode: Some(pid),
        namespace: Some(Arc::clone(namespace)),
        ..owned(port, pid, name)
    }
}

fn leads(by: PublishedBy, port: u16, target: Option<u32>) -> Arc<Published> {
    Arc::new(Published {
        relay: None,
        by,
        container: Some(container("web")),
        address: Some([172, 17, 0, 2].into()),
        port: Some(port),
        process: target.map(|pid| (pid, "nginx".into())),
        target: target.map(|inode| (NamespaceId(1), inode)),
    })
}

fn proxy() -> Socket {
    Socket {
        published: Some(leads(PublishedBy::Proxy, 80, Some(501))),
        ..owned(8080, 300, "docker-proxy")
    }
}

fn rule() -> Socket {
    Socket {
        state: State::Dnat,
        owner: Owner::None,
        inode: None,
        uid: None,
        user: None,
        published: Some(leads(PublishedBy::Rule, 443, None)),
        ..owned(8443, 0, "")
    }
}

/// Three rows of our own, of which two are published; three other namespaces with four sockets.
fn sockets() -> Vec<Socket> {
    let (web, db) = (namespace(1, "web", true), namespace(2, "db", true));
    let blue = namespace(3, "blue", false);
    vec![
        listener(22),
        proxy(),
        rule(),
        inside(&web, 80, 501, "nginx"),
        inside(&web, 443, 502, "nginx"),
        inside(&db, 5432, 601, "postgres"),
        inside(&blue, 9000, 701, "python3"),
    ]
}

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.read(&sockets());
    desk
}

fn header(desk: &Desk) -> String {
    let view = desk.view();
    view.header.iter().map(|span| span.text.as_str()).collect()
}

fn titles(desk: &Desk) -> Vec<String> {
    let view = desk.view();
    let titles = view.titles.iter();
    titles.map(|one| one.text.trim().to_owned()).collect()
}

/// The text of the row with this port.
fn row(desk: &Desk, port: u16) -> String {
    let view = desk.view();
    let text = |cells: &[crate::app::view::CellView]| {
        let texts: Vec<_> = cells.iter().map(|cell| cell.text.trim()).collect();
        texts.join(" ")
    };
    let mut rows = view.rows.iter().map(|row| text(&row.cells));
    let port = format!(" {port} ");
    rows.find(|row| row.contains(&port)).expect("it is shown")
}

fn go_to(desk: &mut Desk, port: u16) {
    let rows = desk.app.rows_in_view().map(|row| row.socket.local.port);
    let place = rows.collect::<Vec<_>>().iter().position(|&one| one == port);
    let place = place.expect("it is shown");
    desk.app.step(crate::app::table::cursor::Step::To(place));
    desk.wake();
}

#[test]
fn the_own_namespace_is_shown_first_and_the_header_says_what_is_left_out() {
    let mut desk = desk();
    assert_eq!(desk.ports(), [22, 8080, 8443]);
    assert!(header(&desk).contains("2 listening"), "{}", header(&desk));
    assert!(header(&desk).contains("+ 4 sockets in 3 namespaces (N)"));
    desk.resize(60, 24);
    assert!(
        header(&desk).contains("+4 in 3 ns (N)"),
        "{}",
        header(&desk)
    );
    desk.resize(32, 10);
    assert!(!header(&desk).contains("ns (N)"), "{}", header(&desk));
    desk.resize(80, 24).read(&[listener(22)]);
    desk.wait(SECOND).read(&[listener(22)]);
    assert!(!header(&desk).contains("names"), "{}", header(&desk));
}

#[test]
fn a_key_goes_from_own_to_all_to_each_and_back() {
    let mut desk = desk();
    desk.press("N");
    assert_eq!(desk.ports(), [22, 80, 443, 5432, 8080, 8443, 9000]);
    assert!(header(&desk).contains("all 4 namespaces"));
    assert!(header(&desk).contains("6 listening"), "{}", header(&desk));
    for (ports, name) in [
        (vec![9000], "blue"),
        (vec![5432], "db"),
        (vec![80, 443], "web"),
    ] {
        desk.press("N");
        assert_eq!(desk.ports(), ports);
        assert!(header(&desk).contains(&format!("namespace {name}")));
        let count = format!("{} listening", ports.len());
        assert!(header(&desk).contains(&count), "{}", header(&desk));
    }
    desk.press("N");
    assert_eq!(desk.ports(), [22, 8080, 8443]);
}

#[test]
fn without_others_the_key_says_so() {
    let mut desk = Desk::with_ports(&[22]);
    desk.press("N");
    assert!(footer(&desk).contains("no sockets of other network namespaces are known"));
    assert_eq!(desk.ports(), [22]);
}

#[test]
fn while_finding_the_key_is_the_previous_match() {
    let mut desk = desk();
    desk.key(Key::F(3));
    desk.press("8");
    desk.key(Key::Enter);
    desk.press("nN");
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::Own);
    desk.key(Key::Esc);
    desk.press("N");
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::All);
}

#[test]
fn the_palette_shows_every_namespace_and_the_own_one() {
    let mut desk = desk();
    desk.press(":show every namespace");
    desk.key(Key::Enter);
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::All);
    desk.press(":own namespace");
    desk.key(Key::Enter);
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::Own);
}

#[test]
fn the_rows_of_a_namespace_that_goes_linger_and_then_all_are_shown() {
    let mut desk = desk();
    desk.press("NNNN");
    let left: Vec<_> = sockets()
        .into_iter()
        .filter(|one| one.namespace_id() != NamespaceId(1))
        .collect();
    desk.wait(SECOND).read(&left);
    desk.wait(SECOND).read(&left);
    assert_eq!(desk.ports(), [80, 443], "closed");
    assert!(header(&desk).contains("namespace web"));
    desk.wait(LINGER).read(&left);
    assert_eq!(desk.ports(), [22, 5432, 8080, 8443, 9000]);
    let notice = "the namespace web has no sockets any more: all are shown";
    assert!(footer(&desk).contains(notice), "{}", footer(&desk));
}

#[test]
fn columns_are_there_where_they_say_something() {
    let mut desk = desk();
    desk.resize(200, 24);
    let has = |desk: &Desk, title: &str| titles(desk).iter().any(|one| one == title);
    assert!(!has(&desk, "NAMESPACE") && has(&desk, "CONTAINER"));
    let (before, _) = desk.app.width_changes();
    desk.press("N");
    let (after, reason) = desk.app.width_changes();
    assert!(after > before && reason == Some(WidthReason::Namespaces));
    // The containers are the namespaces, or in the commands of their published ports.
    assert!(has(&desk, "NAMESPACE") && !has(&desk, "CONTAINER"));
    desk.press("N");
    assert!(!has(&desk, "NAMESPACE") && !has(&desk, "CONTAINER"));
    let mut shares_pod = sockets();
    shares_pod[6].container = Some("sidecar".into());
    desk.wait(SECOND).read(&shares_pod);
    assert!(has(&desk, "CONTAINER"));
    desk.press("/port:22");
    desk.key(Key::Enter);
    desk.app.show_namespaces(NamespaceScope::Own, desk.now());
    desk.wake();
    assert!(!has(&desk, "CONTAINER"), "this row has none");
}

#[test]
fn narrow_terminals_keep_the_namespace_and_drop_the_protocol() {
    let mut desk = desk();
    desk.press("N");
    let titles = titles(&desk);
    assert!(
        titles.iter().any(|one| one.starts_with("NAMES")),
        "{titles:?}"
    );
    for kept in ["LOCAL ADDRESS", "STATE", "PROCESS"] {
        assert!(titles.iter().any(|one| one == kept), "{titles:?}");
    }
}

#[test]
fn a_published_row_says_where_it_leads() {
    let mut desk = desk();
    desk.resize(160, 24);
    let text = row(&desk, 8080);
    assert!(text.contains("docker-proxy") && text.contains("→ web:80 nginx (172.17.0.2)"));
    let text = row(&desk, 8443);
    assert!(text.contains(" DNAT "), "{text}");
    let command = "– web → web:443 (172.17.0.2), published by rule";
    assert!(
        text.ends_with(command) || text.contains("→ web:443"),
        "{text}"
    );
    assert!(text.ends_with("published by rule"), "{text}");
}

#[test]
fn details_name_what_is_behind_and_leave_out_what_is_unknown() {
    let mut desk = desk();
    desk.resize(120, 40);
    go_to(&mut desk, 8080);
    desk.press("d");
    let text = pane_text(&desk);
    for part in [
        "leads to    web:80 nginx (172.17.0.2)",
        "container   web · docker · 3f2a9c14b0de",
        "image       nginx:1.27",
        "compose     shop · service front",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("pod ") && !text.contains("namespace "));
    desk.press("N");
    go_to(&mut desk, 80);
    let text = pane_text(&desk);
    assert!(
        text.contains("namespace   web · inode 4026532001"),
        "{text}"
    );
    let by = "published   by tcp 0.0.0.0:8080 LISTEN docker-proxy(300)";
    assert!(text.contains(by), "{text}");
    go_to(&mut desk, 9000);
    let text = pane_text(&desk);
    assert!(
        text.contains("namespace   blue · inode 4026532003"),
        "{text}"
    );
    assert!(!text.contains("container"), "{text}");
}

#[test]
fn enter_goes_inside_and_back_in_the_scope_of_before() {
    let mut desk = desk();
    desk.press("1/8080");
    desk.key(Key::Enter);
    assert!(
        footer(&desk).contains("Enter go inside"),
        "{}",
        footer(&desk)
    );
    desk.key(Key::Enter);
    assert_eq!(desk.selected_port(), Some(80));
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::All);
    assert!(desk.app.rows.criteria.filter.is_empty(), "it hid the row");
    assert!(desk.app.dock.pane.is_none(), "no details");
    desk.app.notices.current = None;
    assert!(footer(&desk).contains("Enter back"), "{}", footer(&desk));
    desk.key(Key::Enter);
    assert_eq!(desk.selected_port(), Some(8080));
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::Own);
    assert_eq!(
        desk.app.filter.text, "8080",
        "and with the filter of before"
    );
    assert_eq!(desk.app.rows.criteria.tab, Tab::Listening);
    desk.app.clear_filter(desk.now());
    // Elsewhere it opens the details, as it does on a socket inside that was reached otherwise.
    for (keys, port) in [("", 22), ("N", 443)] {
        desk.press(keys);
        go_to(&mut desk, port);
        desk.key(Key::Enter);
        assert!(matches!(desk.app.dock.pane, Some(Pane::Details)), "{port}");
        desk.key(Key::Enter);
        assert!(desk.app.dock.pane.is_none());
    }
    go_to(&mut desk, 8443);
    desk.key(Key::Enter);
    assert!(
        matches!(desk.app.dock.pane, Some(Pane::Details)),
        "no target is known"
    );
}

#[test]
fn what_shows_a_row_of_another_namespace_widens_the_scope_first() {
    let mut desk = desk();
    desk.press("g5432");
    assert!(
        footer(&desk).contains("5432 is not shown"),
        "{}",
        footer(&desk)
    );
    desk.key(Key::Enter);
    assert_eq!(desk.selected_port(), Some(5432));
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::All);
    // One of our own comes before others with that port.
    let mut both = sockets();
    both.push(listener(5432));
    desk.wait(SECOND).read(&both);
    desk.app.show_namespaces(NamespaceScope::Own, desk.now());
    desk.press("/:22");
    desk.key(Key::Enter);
    desk.press("g5432");
    desk.key(Key::Enter);
    assert!(desk.app.selected().unwrap().socket.is_own());
    assert_eq!(desk.app.rows.criteria.namespaces, NamespaceScope::Own);
}

#[test]
fn groups_by_container_count_the_published_ports_and_the_sockets_inside() {
    let mut desk = desk();
    desk.press("N");
    let fields = crate::query::GroupFields::one(crate::query::GroupBy::Container);
    desk.app.group_by(Some(fields), desk.now());
    let groups = |desk: &Desk| -> Vec<_> {
        let groups = desk.app.rows.selection.shown().groups().iter();
        groups
            .map(|one| format!("{} {}", one.key, one.sum.sockets))
            .collect()
    };
    assert_eq!(groups(&desk), ["web 4", "– 2", "db 1"]);
    let fields = crate::query::GroupFields::one(crate::query::GroupBy::Namespace);
    desk.app.group_by(Some(fields), desk.now());
    assert_eq!(groups(&desk), ["own 3", "web 2", "blue 1", "db 1"]);
}

#[test]
fn events_follow_the_scope_and_name_the_namespace() {
    let mut desk = desk();
    let mut more = sockets();
    let web = namespace(1, "web", true);
    more.extend([listener(23), inside(&web, 81, 503, "nginx")]);
    desk.wait(SECOND).read(&more);
    desk.press("e");
    assert_eq!(pane_title(&desk), "events · 1");
    assert!(!pane_text(&desk).contains("web: "));
    desk.press("N");
    assert_eq!(pane_title(&desk), "events · 2");
    assert!(
        pane_text(&desk).contains("web: nginx(503)"),
        "{}",
        pane_text(&desk)
    );
}

#[test]
fn trouble_follows_the_scope_and_names_the_namespace() {
    let mut desk = Desk::new();
    let web = namespace(1, "web", true);
    let full = Socket {
        queue: Some(crate::model::Queue {
            receive: 6,
            send: 5,
        }),
        ..inside(&web, 80, 501, "nginx")
    };
    desk.read(&[listener(22), full]);
    let trouble = |desk: &Desk| -> String {
        let view = desk.view();
        view.trouble.iter().map(|span| span.text.as_str()).collect()
    };
    assert_eq!(trouble(&desk), "");
    desk.press("!");
    assert!(footer(&desk).contains("no row is in trouble"));
    desk.press("N");
    let text = "accept queue full :80 in web nginx(501)";
    assert!(trouble(&desk).contains(text), "{}", trouble(&desk));
    desk.press("!");
    assert_eq!(desk.selected_port(), Some(80));
}

#[test]
fn problems_of_other_namespaces_are_shown_with_them() {
    let mut desk = Desk::new();
    let update = desk.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: Vec::new(),
        taken_at: desk.now(),
        sockets: sockets(),
        processes: HashMap::new(),
        problems: vec![Problem::new(ProblemCode::Namespaces, "2 unread: sudo")],
        ..Snapshot::default()
    });
    desk.send(Msg::SnapshotTaken(update));
    assert!(!header(&desk).contains("unread"));
    desk.press("N");
    assert!(
        header(&desk).contains("2 unread: sudo"),
        "{}",
        header(&desk)
    );
}

#[test]
fn pinned_ports_are_of_the_own_namespace() {
    let mut desk = desk();
    desk.press("NNN");
    assert_eq!(desk.selected_port(), Some(5432));
    desk.press("m");
    let notice = "only ports of the own namespace are pinned; this one is in db";
    assert!(footer(&desk).contains(notice), "{}", footer(&desk));
    assert!(desk.app.pinned.is_empty());
    desk.app.set_pinned((80, Protocol::Tcp), true, desk.now());
    let without: Vec<_> = sockets().drain(..3).collect();
    desk.wait(SECOND).read(&without);
    desk.wait(SECOND).read(&without);
    assert!(desk.app.notices.alerts.is_empty(), "that 80 was in web");
}

#[test]
fn a_port_without_a_socket_has_no_process_to_end() {
    let mut desk = desk();
    go_to(&mut desk, 8443);
    desk.press("K");
    // To stop the container leaves a rule that a user made.
    let notice = "no socket has this port: a rule of the packet filter sends it to web:443";
    assert!(footer(&desk).contains(notice), "{}", footer(&desk));
    // Among marked ones it gets no signal.
    desk.press("V");
    desk.press("K");
    let Dialog::EndSeveral(several) = &desk.app.dialog else {
        panic!("{:?}", desk.app.dialog)
    };
    assert_eq!(several.len(), 2);
    desk.key(Key::Esc);
    desk.press("b");
    assert!(matches!(desk.app.dock.pane, Some(Pane::Bind(_))));
}

#[test]
fn the_browser_opens_what_publishes_a_socket_inside() {
    let mut desk = desk();
    desk.press("N");
    go_to(&mut desk, 80);
    assert_eq!(
        desk.app.selected_url().as_deref(),
        Some("http://localhost:8080/")
    );
    go_to(&mut desk, 5432);
    desk.press("O");
    let notice = "0.0.0.0:5432 in db can't be opened from here: no port publishes it";
    assert!(footer(&desk).contains(notice), "{}", footer(&desk));
    go_to(&mut desk, 8443);
    assert_eq!(
        desk.app.selected_url().as_deref(),
        Some("https://localhost:8443/")
    );
}

/// Every container of slirp4netns has 10.0.2.100, which is another machine in our network: that was opened.
#[test]
fn an_address_of_another_namespace_is_not_opened() {
    let mut addressed = sockets();
    addressed[5].local = Endpoint::new([10, 0, 2, 100].into(), 5432);
    let mut desk = Desk::new();
    desk.read(&addressed);
    desk.press("N");
    go_to(&mut desk, 5432);
    assert_eq!(desk.app.selected_url(), None);
    desk.press("O");
    let notice = "10.0.2.100:5432 in db can't be opened from here: no port publishes it";
    assert!(footer(&desk).contains(notice), "{}", footer(&desk));
}

#[test]
fn marks_and_the_stats_pane_work_across_namespaces() {
    let mut desk = desk();
    desk.press("NV");
    assert!(header(&desk).contains("7 marked"), "{}", header(&desk));
    desk.press("$");
    assert!(
        pane_text(&desk).contains("6 LISTEN"),
        "{}",
        pane_text(&desk)
    );
    let now = desk.now();
    let own = Action::Table(TableAction::ShowOwnNamespace);
    desk.app.perform(own, now);
    desk.wake();
    assert!(
        pane_text(&desk).contains("2 LISTEN"),
        "{}",
        pane_text(&desk)
    );
    let hidden = desk.app.hidden_marks_text();
    assert_eq!(hidden.as_deref(), Some("4 marked rows are not shown"));
}
