//! The rule of fixes on the situations of the field: which comes first, with which command, and what is
//! said of it. The same situations are made for real by `tests/advice`.

use std::sync::Arc;

use super::*;
use crate::model::{
    Activation, AlsoEndsKind, Background, Behind, BehindKind, EndRisk, Engine, KeptFor, Manager,
    Owner, Pid, Process, Quick, Reaction, Restarts, Run, Serving, Signal, Socket, State,
    Supervisor, SupervisorKind, Term, Text, Unit,
};

/// A process of the test's: pid, parent, name.
fn process(pid: Pid, parent: Pid, name: &str) -> Arc<Process> {
    Arc::new(Process {
        parent: Some(parent),
        executable: name
            .split(' ')
            .next()
            .map(|name| Text::new(&format!("/usr/bin/{name}"))),
        ..Process::new(pid, name)
    })
}

/// A listener that these processes have.
fn holder(processes: &[Arc<Process>], backgrounds: Vec<Background>) -> Holder {
    let local = "0.0.0.0:8080"
        .parse::<std::net::SocketAddr>()
        .unwrap()
        .into();
    let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
    socket.inode = Some(7);
    socket.owner = Owner::Known(processes.into());
    Holder {
        backgrounds,
        ..Holder::new(socket)
    }
}

/// A listener of one process, with its background.
fn of(background: impl FnOnce(Background) -> Background) -> Holder {
    let server = process(812, 40, "node server.js");
    holder(&[server], vec![background(Background::new(812))])
}

fn fixes_of(holders: &[&Holder], uid: u32) -> Vec<Fix> {
    let limits = Limits {
        uid: Some(uid),
        ..Limits::default()
    };
    let fixes = end_holders(&Situation {
        holders: holders.to_vec(),
        limits: &limits,
        protocol: Protocol::Tcp,
        port: 8080,
        check_as_root: Some("sudo sockeye check 8080".into()),
    });
    // What is printed is what its actions do.
    for fix in &fixes {
        let typed = shell::typed_actions(&fix.actions, &limits);
        assert_eq!(fix.command.clone().unwrap_or_default(), typed, "{fix:?}");
    }
    fixes
}

/// The first fix that has a command.
fn first(holder: &Holder, uid: u32) -> Option<String> {
    fixes_of(&[holder], uid)
        .into_iter()
        .find_map(|fix| fix.command)
}

fn reacting(term: Term, run: Run) -> impl FnOnce(Background) -> Background {
    move |background| Background {
        reaction: Reaction {
            run,
            term,
            quick: None,
        },
        ..background
    }
}

#[test]
fn a_plain_process_is_ended_and_root_s_by_sudo() {
    let own = of(|background| background);
    assert_eq!(first(&own, 1000).as_deref(), Some("kill 812"));
    let of_other = of(|background| Background {
        may_signal: false,
        ..background
    });
    assert_eq!(first(&of_other, 1000).as_deref(), Some("sudo kill 812"));
    assert_eq!(first(&of_other, 0).as_deref(), Some("kill 812"));
}

#[test]
fn a_process_that_ignores_term_is_killed_or_continued_with_the_reason() {
    for (term, run, command, words) in [
        (
            Term::Ends,
            Run::Stopped,
            Some("kill 812; kill -CONT 812"),
            "stopped (Ctrl-Z)",
        ),
        (
            Term::Ignored,
            Run::Running,
            Some("kill -KILL 812"),
            "ignores SIGTERM",
        ),
        (
            Term::Blocked,
            Run::Running,
            Some("kill -KILL 812"),
            "blocks SIGTERM",
        ),
        (
            Term::Dropped,
            Run::Running,
            Some("kill -KILL 812"),
            "first process of its pid namespace",
        ),
        (Term::Ends, Run::Traced, Some("kill -KILL 812"), "stopped"),
        (
            Term::Ignored,
            Run::Stopped,
            Some("kill -KILL 812"),
            "stopped",
        ),
        (
            Term::Ends,
            Run::Uninterruptible,
            None,
            "reacts to no signal",
        ),
    ] {
        let holder = of(reacting(term, run));
        let fixes = fixes_of(&[&holder], 1000);
        assert_eq!(fixes[0].command.as_deref(), command, "{term:?} {run:?}");
        assert!(fixes[0].text.contains(words), "{}", fixes[0].text);
    }
    let postgres = of(|background| Background {
        reaction: Reaction {
            quick: Some(Quick {
                signal: Signal::Int,
                instead_of: "waits until every client has disconnected",
            }),
            ..Reaction::ORDINARY
        },
        ..background
    });
    assert_eq!(first(&postgres, 1000).as_deref(), Some("kill -INT 812"));
}

#[test]
fn a_master_with_a_handler_ends_its_workers_and_one_without_leaves_them() {
    let family = |term| {
        let processes = [
            process(812, 1, "nginx"),
            process(813, 812, "nginx"),
            process(814, 812, "nginx"),
        ];
        let backgrounds =
            [812, 813, 814].map(|pid| reacting(term, Run::Running)(Background::new(pid)));
        holder(&processes, backgrounds.to_vec())
    };
    let fixes = fixes_of(&[&family(Term::Handled)], 0);
    assert_eq!(fixes[0].command.as_deref(), Some("kill 812"));
    assert_eq!(fixes[0].text, "End nginx (812), which ends its 2 workers");
    let fallback = (fixes[1].code, fixes[1].command.as_deref());
    assert_eq!(fallback, (FixCode::EndHard, Some("kill -KILL 812 813 814")));
    assert_eq!(
        first(&family(Term::Ends), 0).as_deref(),
        Some("kill 812 813 814")
    );
}

#[test]
fn another_program_that_inherited_the_socket_is_ended_too_and_named() {
    let processes = [process(812, 1, "server"), process(813, 812, "sleep")];
    let handled = |pid| reacting(Term::Handled, Run::Running)(Background::new(pid));
    let holder = holder(&processes, vec![handled(812), handled(813)]);
    let fixes = fixes_of(&[&holder], 0);
    assert_eq!(fixes[0].command.as_deref(), Some("kill 812 813"));
    assert_eq!(
        fixes[0].text,
        "End server (812), and sleep (813), which inherited the socket"
    );
}

#[test]
fn every_socket_in_the_way_is_in_the_first_fix() {
    let one = of(|background| background);
    let other = holder(
        &[process(900, 1, "python3 pg.py")],
        vec![Background::new(900)],
    );
    let fixes = fixes_of(&[&one, &other], 0);
    assert_eq!(fixes[0].command.as_deref(), Some("kill 812 900"));
    let unit = |name: &str, pid| {
        let server = process(pid, 1, "web");
        let background = Background {
            unit: Some(service(name, pid)),
            ..Background::new(pid)
        };
        holder(&[server], vec![background])
    };
    let (one, other) = (unit("a.service", 811), unit("b.service", 813));
    let command = fixes_of(&[&one, &other], 1000)[0].command.clone();
    assert_eq!(
        command.as_deref(),
        Some("sudo systemctl stop a.service b.service")
    );
}

fn service(name: &str, main_pid: Pid) -> Unit {
    Unit {
        name: name.into(),
        manager: Manager::System,
        is_server: Some(true),
        main_pid: Some(main_pid),
        restart: Some("always".into()),
        kill_mode: Some("control-group".into()),
        triggered_by: Vec::new(),
    }
}

#[test]
fn a_service_is_stopped_by_its_manager_and_a_bare_kill_says_that_it_comes_back() {
    let with = |unit: Unit| {
        of(|background| Background {
            kept_by: Some(Supervisor::new(SupervisorKind::Systemd)),
            unit: Some(unit),
            ..background
        })
    };
    let plain = with(service("web.service", 812));
    assert_eq!(
        first(&plain, 1000).as_deref(),
        Some("sudo systemctl stop web.service")
    );
    let fixes = fixes_of(&[&plain], 0);
    assert_eq!(
        (fixes[1].command.as_deref(), fixes[1].may_restart()),
        (Some("kill 812"), true)
    );
    let of_user = |manager| {
        with(Unit {
            manager,
            ..service("web.service", 812)
        })
    };
    let own = of_user(Manager::Own);
    assert_eq!(
        first(&own, 1000).as_deref(),
        Some("systemctl --user stop web.service")
    );
    let ann = of_user(Manager::OfUser("ann".into()));
    assert_eq!(
        first(&ann, 0).as_deref(),
        Some("systemctl --user -M ann@ stop web.service")
    );
    let triggered = with(Unit {
        triggered_by: vec!["web.socket".into()],
        ..service("web.service", 812)
    });
    assert_eq!(
        first(&triggered, 0).as_deref(),
        Some("systemctl stop web.socket web.service")
    );
    let timed = with(Unit {
        triggered_by: vec!["web.timer".into()],
        ..service("web.service", 812)
    });
    assert_eq!(
        first(&timed, 0).as_deref(),
        Some("systemctl stop web.timer web.service")
    );
    let deaf = of(|background| Background {
        kept_by: Some(Supervisor::new(SupervisorKind::Systemd)),
        unit: Some(service("web.service", 812)),
        ..reacting(Term::Ignored, Run::Running)(background)
    });
    assert_eq!(
        first(&deaf, 1000).as_deref(),
        Some(
            "sudo sh -c 'systemctl --no-block stop web.service; systemctl kill -s KILL web.service'"
        )
    );
    let left = with(Unit {
        kill_mode: Some("process".into()),
        ..service("web.service", 811)
    });
    assert_eq!(
        first(&left, 0).as_deref(),
        Some("systemctl stop web.service; kill 812")
    );
    let launched = with(Unit {
        is_server: Some(false),
        ..service("cron.service", 40)
    });
    assert_eq!(first(&launched, 0).as_deref(), Some("kill 812"));
}

#[test]
fn a_socket_unit_goes_before_the_service_that_it_started() {
    let systemd = process(1, 0, "systemd");
    let activation = Activation {
        socket_unit: "web.socket".into(),
        service: "web.service".into(),
    };
    let idle = Holder {
        activation: Some(activation.clone()),
        ..holder(&[Arc::clone(&systemd)], vec![Background::new(1)])
    };
    assert_eq!(
        first(&idle, 0).as_deref(),
        Some("systemctl stop web.socket")
    );
    // A child of systemd's that is about to execute something.
    let forked = Arc::new(Process {
        executable: Some("/usr/lib/systemd/systemd".into()),
        ..(*process(811, 1, "(nginx)")).clone()
    });
    let forking = Holder {
        activation: Some(activation.clone()),
        ..holder(&[Arc::clone(&systemd), forked], vec![Background::new(1)])
    };
    assert_eq!(first(&forking, 0), first(&idle, 0));
    let for_each = Holder {
        activation: Some(Activation {
            service: "web@.service".into(),
            ..activation.clone()
        }),
        ..holder(&[Arc::clone(&systemd), process(813, 1, "echo")], vec![])
    };
    assert_eq!(first(&for_each, 0), first(&idle, 0));
    let started = Holder {
        activation: Some(activation),
        manager: Some(Manager::Own),
        ..holder(
            &[systemd, process(812, 1, "web")],
            vec![Background::new(1), Background::new(812)],
        )
    };
    assert_eq!(
        first(&started, 1000).as_deref(),
        Some("systemctl --user stop web.socket web.service")
    );
}

fn container(change: impl FnOnce(&mut Behind)) -> Holder {
    let mut behind = Behind {
        engine: Some(Engine::Docker),
        name: Some("web".into()),
        id: Some("0123456789ab".into()),
        ..Behind::new(BehindKind::Container)
    };
    change(&mut behind);
    of(|background| Background {
        end_risk: EndRisk::ContainerProxy,
        behind: Some(behind),
        ..background
    })
}

#[test]
fn a_container_is_stopped_by_its_engine_and_its_proxy_never_ended() {
    let commands = |holder: &Holder, uid| -> Vec<String> {
        fixes_of(&[holder], uid)
            .into_iter()
            .filter_map(|fix| fix.command)
            .collect()
    };
    let plain = container(|_| {});
    assert_eq!(commands(&plain, 1000), ["docker stop web"]);
    assert_eq!(commands(&plain, 0), ["docker stop web"]);
    let locked = container(|behind| behind.is_reachable = false);
    assert_eq!(commands(&locked, 1000), ["sudo docker stop web"]);
    let unnamed = container(|behind| {
        (behind.name, behind.id, behind.is_reachable) = (None, None, false);
    });
    let by_port = "sudo sh -c 'docker stop $(docker ps -q --filter publish=8080)'";
    assert_eq!(commands(&unnamed, 1000), [by_port]);
    let deaf = container(|behind| behind.ignores_term = true);
    assert_eq!(commands(&deaf, 0), ["docker stop -t 1 web"]);
    let rootless = container(|behind| {
        (behind.engine, behind.user) = (Some(Engine::Podman), Some("ann".into()));
    });
    assert_eq!(
        commands(&rootless, 0),
        ["runuser -l ann -c 'podman stop web'"]
    );
    let pod = container(|behind| behind.engine = Some(Engine::Kubernetes));
    assert_eq!(commands(&pod, 0), [""; 0]);
}

#[test]
fn a_container_is_named_with_what_runs_in_it_and_what_else_it_publishes() {
    let web = container(|behind| {
        behind.process = Some(Serving {
            pid: 77,
            name: "httpd".into(),
        });
        behind.image = Some("busybox:1".into());
        (behind.project, behind.service) = (Some("shop".into()), Some("front".into()));
        behind.ports = vec![(Protocol::Tcp, 9202)];
    });
    let fix = &fixes_of(&[&web], 0)[0];
    assert_eq!(
        fix.text,
        "Stop the container web (httpd inside, image busybox:1, service front of shop)"
    );
    assert_eq!(fix.caution().as_deref(), Some("Also ends port 9202/tcp."));
    let shared = container(|behind| behind.server = Some("side".into()));
    let text = &fixes_of(&[&shared], 0)[0].text;
    assert_eq!(
        text,
        "Stop the container web, which publishes the port for the container side"
    );
}

fn kept(kind: SupervisorKind, name: Option<&str>) -> Holder {
    of(|background| Background {
        kept_by: Some(Supervisor {
            name: name.map(Into::into),
            pid: Some(40),
            process: Some("supervisor".into()),
            ..Supervisor::new(kind)
        }),
        ..background
    })
}

#[test]
fn a_supervisor_s_own_command_comes_before_a_kill_that_does_not_last() {
    use SupervisorKind as K;
    for (kind, name, command) in [
        (K::Pm2, "web", "pm2 stop web"),
        (K::Runit, "/etc/sv/web", "sv down /etc/sv/web"),
        (K::Daemontools, "/service/web", "svc -d /service/web"),
        (K::S6, "/run/s6/my web", "s6-svc -d '/run/s6/my web'"),
        (K::Forever, "web", "forever stop 812"),
    ] {
        let fixes = fixes_of(&[&kept(kind, Some(name))], 1000);
        assert_eq!(fixes[0].command.as_deref(), Some(command));
        let then = (fixes[1].command.as_deref(), fixes[1].may_restart());
        assert_eq!(then, (Some("kill 812"), true), "{kind:?}");
    }
    for kind in [K::ShellLoop, K::UnknownParent, K::Nodemon, K::Watch] {
        let fixes = fixes_of(&[&kept(kind, None)], 1000);
        assert_eq!(fixes[0].command.as_deref(), Some("kill 40 812"), "{kind:?}");
        assert_eq!(fixes[1].command.as_deref(), Some("kill 812"));
        assert!(fixes[1].may_restart());
    }
    // A watcher ends its child itself, so that `kill 40 812` found no 812 any more and failed.
    let mut watched = kept(K::Watch, None);
    watched.backgrounds[0].kept_by.as_mut().unwrap().restarts = Restarts::OnChange;
    assert_eq!(first(&watched, 1000).as_deref(), Some("kill 812 40"));
    let mut of_root = kept(K::ShellLoop, None);
    if let Some(supervisor) = &mut of_root.backgrounds[0].kept_by {
        supervisor.is_reachable = false;
    }
    assert_eq!(first(&of_root, 1000).as_deref(), Some("sudo kill 40 812"));
    // pm2 listens itself for an app in cluster mode.
    let clustered = of(|background| Background {
        kept_by: Some(Supervisor {
            name: Some("web".into()),
            pid: Some(812),
            ..Supervisor::new(K::Pm2)
        }),
        end_risk: EndRisk::Supervisor,
        ..background
    });
    let fixes = fixes_of(&[&clustered], 1000);
    assert_eq!(
        (fixes.len(), fixes[0].command.as_deref()),
        (1, Some("pm2 stop web"))
    );
    let hostile = kept(K::Pm2, Some("-f; rm"));
    assert_eq!(fixes_of(&[&hostile], 1000)[0].command, None);
}

/// A shell is left alone if it is unclear whether its script starts the server again. The fix then claimed that the
/// server does not return, and had no warning.
#[test]
fn a_server_that_a_script_may_start_again_has_a_warning() {
    let mut unclear = kept(SupervisorKind::ShellLoop, None);
    unclear.backgrounds[0].kept_by.as_mut().unwrap().restarts = Restarts::Unknown;
    let fixes = fixes_of(&[&unclear], 1000);
    let fix = &fixes[0];
    assert_eq!((fixes.len(), fix.command.as_deref()), (1, Some("kill 812")));
    let warning = "supervisor (40) may start it again.";
    assert_eq!(
        (fix.may_restart(), fix.caution().as_deref()),
        (true, Some(warning))
    );
    assert!(!fixes_of(&[&of(|background| background)], 1000)[0].may_restart());
    unclear.backgrounds[0].end_risk = EndRisk::Resolver;
    let fixes = fixes_of(&[&unclear], 1000);
    let caution = fixes.last().unwrap().caution().unwrap();
    assert!(caution.ends_with(warning), "{caution}");
}

#[test]
fn a_supervisor_is_reached_where_it_is_and_stops_one_app() {
    use SupervisorKind as K;
    let command = |kind, name: &str, id: Option<&str>, place: Option<&str>| {
        let mut holder = kept(kind, Some(name));
        let supervisor = holder.backgrounds[0].kept_by.as_mut().unwrap();
        (supervisor.id, supervisor.place) = (id.map(Into::into), place.map(Into::into));
        fixes_of(&[&holder], 1000)[0].command.clone()
    };
    let ctl = |name: &str, place| command(K::Supervisord, name, None, place);
    let file = Some("/etc/my s.conf");
    let by_file = "supervisorctl -c '/etc/my s.conf' stop shop:web_00";
    assert_eq!(ctl("shop:web_00", file).as_deref(), Some(by_file));
    for address in [
        "unix:///run/s.sock",
        "http://127.0.0.1:9001",
        "http://host:1",
    ] {
        let expected = format!("supervisorctl -s {address} stop web");
        assert_eq!(ctl("web", Some(address)), Some(expected));
    }
    let elsewhere = [
        "unix://s.sock",
        "http://",
        "http://a/b",
        "http://-x",
        "https://a:1",
        "s.conf",
    ];
    for place in elsewhere {
        assert_eq!(ctl("web", Some(place)), None, "{place}");
    }
    assert_eq!(ctl("web", None), None, "another server would be reached");
    for name in ["all", "web:", ":web", "web:*", "-x", "a b", "$(x)", ""] {
        assert_eq!(ctl(name, file), None, "{name}");
    }

    let pm2 = |name: &str, id, place| command(K::Pm2, name, id, place);
    assert_eq!(pm2("all", Some("3"), None).as_deref(), Some("pm2 stop 3"));
    let at_home = "PM2_HOME=/srv/pm2 pm2 stop web";
    assert_eq!(pm2("web", None, Some("/srv/pm2")).as_deref(), Some(at_home));
    for name in ["all", "0", "1e3", "-f", "/web/", ""] {
        assert_eq!(pm2(name, None, None), None, "{name}");
    }
    for kind in [K::Runit, K::Daemontools, K::S6] {
        assert_eq!(
            command(kind, "web", None, None),
            None,
            "looked up elsewhere"
        );
    }
}

#[test]
fn the_text_names_the_app_that_pm2_knows_by_an_id() {
    let mut holder = kept(SupervisorKind::Pm2, Some("shop"));
    holder.backgrounds[0].kept_by.as_mut().unwrap().id = Some("0".into());
    let text = &fixes_of(&[&holder], 1000)[0].text;
    assert!(
        text.starts_with("Have pm2 stop its app 0, shop, which runs "),
        "{text}"
    );
}

#[test]
fn a_supervisor_whose_user_has_no_name_is_not_reached_as_root() {
    let mut holder = kept(SupervisorKind::Pm2, Some("web"));
    let supervisor = holder.backgrounds[0].kept_by.as_mut().unwrap();
    (supervisor.uid, supervisor.is_reachable) = (Some(4242), false);
    for reader in [1000, 0] {
        assert_eq!(fixes_of(&[&holder], reader)[0].command, None);
    }
    let supervisor = holder.backgrounds[0].kept_by.as_mut().unwrap();
    supervisor.user = Some("ann".into());
    assert_eq!(
        first(&holder, 1000).as_deref(),
        Some("sudo -iu ann pm2 stop web")
    );
}

/// The fix killed the supervisor of `sockeye run`, which ended the program below it too, and did not name that.
#[test]
fn a_port_that_is_kept_for_a_program_is_freed_by_the_end_of_that() {
    let kept = |owner: Term, program: Term| {
        let port = AlsoEnds::new(AlsoEndsKind::Port, "9229/tcp");
        let background = reacting(program, Run::Running)(Background {
            also_ends: vec![port.clone()],
            ..Background::new(90)
        });
        let owner = reacting(owner, Run::Running)(Background {
            also_ends: vec![AlsoEnds::new(AlsoEndsKind::Process, "npm (90)"), port],
            keeps_for: Some(Box::new(KeptFor {
                process: process(90, 80, "npm"),
                background,
            })),
            ..Background::new(80)
        });
        fixes_of(&[&holder(&[process(80, 40, "sockeye")], vec![owner])], 1000)
    };
    for (owner, program, text, command, caution) in [
        (
            Term::Blocked,
            Term::Ends,
            "End npm (90); sockeye (80) keeps the port for it",
            "kill 90",
            "Also ends port 9229/tcp.",
        ),
        (
            Term::Blocked,
            Term::Ignored,
            "Kill npm (90): it ignores SIGTERM; sockeye (80) keeps the port for it",
            "kill -KILL 90",
            "Also ends port 9229/tcp.",
        ),
        (
            Term::Handled,
            Term::Handled,
            "End sockeye (80), which passes the signal on to npm (90) and keeps the port for it",
            "kill 80",
            "Also ends npm (90), port 9229/tcp.",
        ),
    ] {
        let fixes = kept(owner, program);
        assert_eq!(fixes[0].text, text);
        assert_eq!(fixes[0].command.as_deref(), Some(command));
        assert_eq!(fixes[0].caution().as_deref(), Some(caution));
        assert_eq!(fixes[1].text, "Wait until npm (90) ends");
    }
}

#[test]
fn processes_that_others_need_are_not_ended_first_or_without_a_warning() {
    for end_risk in [
        EndRisk::Engine,
        EndRisk::Manager,
        EndRisk::Supervisor,
        EndRisk::Login,
        EndRisk::OwnLogin,
        EndRisk::Ancestor,
        EndRisk::Resolver,
        EndRisk::SshServer,
        EndRisk::Network,
        EndRisk::SystemService,
        EndRisk::ContainerProxy,
        EndRisk::ContainerMonitor,
    ] {
        let holder = of(|background| Background {
            end_risk,
            ..background
        });
        let fixes = fixes_of(&[&holder], 0);
        assert_eq!(fixes[0].command, None, "{end_risk:?}");
        let mut commands = fixes.iter().filter(|fix| fix.command.is_some());
        assert!(
            commands.all(|fix| fix.warning.is_some()),
            "{end_risk:?}: {fixes:?}"
        );
    }
}

#[test]
fn a_tunnel_is_closed_and_a_session_that_carries_one_is_kept() {
    let tunnel = |runs_nothing| {
        of(|background| Background {
            behind: Some(Behind {
                name: Some("ann@web-01".into()),
                escape: Some("-KL 8080".into()),
                is_reachable: runs_nothing,
                ..Behind::new(BehindKind::SshForward)
            }),
            ..background
        })
    };
    let fix = &fixes_of(&[&tunnel(true)], 1000)[0];
    assert_eq!(
        (fix.code, fix.command.as_deref()),
        (FixCode::CloseForward, Some("kill 812"))
    );
    let fixes = fixes_of(&[&tunnel(false)], 1000);
    let begins =
        "Close only the forward in the ssh session to ann@web-01: in it type ~C, then -KL 8080";
    assert!(fixes[0].text.starts_with(begins), "{}", fixes[0].text);
    assert_eq!(fixes[1].also_ends[0].kind, AlsoEndsKind::Login);
}

#[test]
fn a_hidden_owner_gives_a_sentence_with_the_command_that_shows_it() {
    let mut hidden = holder(&[], Vec::new());
    Arc::make_mut(&mut hidden.socket).owner = Owner::Hidden;
    let fixes = fixes_of(&[&hidden], 1000);
    assert_eq!(fixes[0].command, None);
    assert!(
        fixes[0].text.contains("`sudo sockeye check 8080`"),
        "{}",
        fixes[0].text
    );
    hidden.hidden_unit = Some(service("web.service", 9));
    assert_eq!(
        first(&hidden, 1000).as_deref(),
        Some("sudo systemctl stop web.service")
    );
}

#[test]
fn without_a_way_to_root_the_command_is_part_of_the_sentence() {
    let holder = of(|background| Background {
        may_signal: false,
        ..background
    });
    let limits = Limits {
        uid: Some(1000),
        is_confined: true,
        ..Limits::default()
    };
    let fixes = end_holders(&Situation {
        holders: vec![&holder],
        limits: &limits,
        protocol: Protocol::Tcp,
        port: 8080,
        check_as_root: None,
    });
    assert_eq!(fixes[0].command, None);
    assert_eq!(fixes[0].text, "End node server.js (812), as root: kill 812");
}
