//! Terms that look for numbers and text, and how terms combine.

use super::*;
use crate::filter::{FLAGS, FORMS};
use crate::model::Text;

#[test]
fn the_empty_filter_matches_everything() {
    assert!(Filter::default().is_empty());
    assert_eq!(filter(" \t "), Filter::default());
    check(&listener(), &["", "  "], &[]);
}

#[test]
fn digits_are_the_start_of_a_port_or_a_whole_pid() {
    check(
        &listener(),
        &["8", "80", "8080", "812"],
        &["81", "0", "080x", "80800", "12"],
    );
    check(
        &connection(),
        &["443", "44", "51", "4242"],
        &["424", "3", "1"],
    );
    check(&leftover(), &["12"], &["2"]);
}

#[test]
fn a_colon_is_the_local_port() {
    check(
        &listener(),
        &[":8080", ":8000-8999", ":8080-8080", ":http-alt"],
        &[":80", ":https"],
    );
    check(&connection(), &[":51314"], &[":443", ":https"]);
    check(
        &resolver(),
        &[":domain", ":DOMAIN", "port:53", "port:1-53"],
        &[":0-52", "port:530"],
    );
}

#[test]
fn text_is_a_part_of_anything_in_any_case() {
    let everywhere = [
        "NGINX",
        "ngin",
        "daemon",
        "master",
        "http-alt",
        "nginx.serv",
        "web_1",
    ];
    check(&listener(), &everywhere, &["apache", "tim"]);
    check(
        &listener(),
        &["eth0", "listen", "0.0.0.0", "0.0:80", "www"],
        &["1.0.0"],
    );
    check(
        &connection(),
        &["ann", "1.1.1", "0.7:5131", "established"],
        &["51313"],
    );
    check(
        &leftover(),
        &["node", "server.js", "[::1]:", "time_wait"],
        &["curl"],
    );
    check(&resolver(), &["fe80:", "root", "e80"], &["hidden"]);
}

#[test]
fn quoted_text_is_text_whatever_it_looks_like() {
    check(
        &listener(),
        &[r#""master -g""#, r#""8080""#],
        &[r#""tcp""#, r#""12""#],
    );
    check(&connection(), &[r#""https://one""#], &[r#""one curl""#]);
}

#[test]
fn a_regex_reads_the_whole_row() {
    let yes = [
        "/^tcp 0.*:8080 http-alt LISTEN 812 nginx/",
        "/NGINX|apache/",
        r"/\/etc\/nginx/",
    ];
    check(&listener(), &yes, &["/^nginx/", "/tcp6/"]);
    check(
        &connection(),
        &[r"/:443\b/", "/1.1.1.1.*curl/"],
        &["/LISTEN/"],
    );
}

#[test]
fn pid_and_process_fields_match_former_owners_too() {
    check(
        &listener(),
        &["pid:812", "pid:800-900"],
        &["pid:81", "pid:1-811"],
    );
    check(
        &listener(),
        &["proc:NGI", "cmd:Daemon", r#"cmd:"off;'""#],
        &["proc:master", "cmd:www"],
    );
    check(
        &leftover(),
        &["proc:node", "pid:12", "cmd:server"],
        &["proc:server"],
    );
}

#[test]
fn an_owner_that_is_not_found_yet_matches_nothing() {
    let mut row = listener();
    row.socket.owner = crate::model::Owner::Unknown;
    let port = format!(":{}", row.socket.local.port);
    check(
        &row,
        &[&port, "!:81", &format!("{port} | nginx")],
        &["master", "!master", "proc:nginx", "!proc:nginx", "!pid:7"],
    );
}

#[test]
fn user_is_a_part_of_the_name_or_the_uid() {
    check(
        &listener(),
        &["user:www", "user:DATA", "user:33"],
        &["user:3", "user:ann"],
    );
    let nameless = row(Protocol::Tcp, "0.0.0.0:1", None, State::Listen, |socket| {
        socket.uid = Some(100_999);
        socket.user = Some("100999".into());
    });
    check(&nameless, &["user:100999"], &["user:100", "user:999"]);
}

#[test]
fn unit_and_service_are_parts_of_text() {
    check(
        &listener(),
        &["unit:nginx", "service:alt"],
        &["unit:web", "service:nginx"],
    );
    check(&connection(), &["service:https"], &["unit:a"]);
}

#[test]
fn a_namespace_has_a_name_unless_it_is_our_own() {
    check(
        &inside(),
        &["ns:blu", "ns:BLUE", "!is:own"],
        &["ns:red", "is:own"],
    );
    check(&listener(), &["is:own", "!ns:blue"], &["ns:blue"]);
}

#[test]
fn a_container_is_found_by_its_name_its_image_and_the_start_of_its_id() {
    let yes = [
        "container:web",
        "container:Httpd",
        "container:9d57",
        "container:9D57A38189C8",
    ];
    let no = ["container:57a3", "container:docker", "container:blue"];
    check(&inside(), &yes, &no);
    check(&published(), &yes, &no);
    check(&listener(), &["container:web_1"], &["container:httpd"]);
}

#[test]
fn a_published_port_is_found_by_what_is_behind_it() {
    let yes = [
        "is:published",
        "shop-web",
        "apache2",
        "172.17.0.2",
        "\"web-1:80 apache\"",
        "/shop-web-1:80/",
        "is:own",
    ];
    check(&published(), &yes, &["ns:shop", "blue"]);
    check(
        &inside(),
        &["blue", "shop-web", "/blue/"],
        &["is:published"],
    );
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    check(
        &listener(),
        &["nginx :8080", "curl :443 | nginx", "nginx | curl :443"],
        &["nginx :80"],
    );
    check(
        &listener(),
        &["!curl nginx", "! curl", "!!nginx"],
        &["!nginx", "!(nginx | curl)"],
    );
    check(
        &listener(),
        &["nginx (curl | :8080)", "(nginx)"],
        &["(nginx | curl) :80", "!(nginx)"],
    );
    check(
        &listener(),
        &["udp|nginx", "!udp!curl", "!!!udp"],
        &["nginx(curl)"],
    );
}

#[test]
fn every_word_of_the_help_is_understood() {
    for (example, _) in FORMS {
        filter(example);
    }
    for word in &FLAGS {
        assert_eq!(
            filter(&format!("is:{}", word.name)).to_string(),
            format!("is:{}", word.name)
        );
    }
}

#[test]
fn a_process_is_found_by_its_name_and_by_the_kernels_and_its_arguments_to_the_last() {
    let argv = ["node", "server.js", &"x".repeat(9000), "--last"].map(Text::whole);
    let process = Process {
        comm: "MainThread".into(),
        command: Some(argv.join(" ").as_str().into()),
        argv: Some(argv.into()),
        ..Process::new(812, "node server.js")
    };
    let mut row = listener();
    row.socket.owner = Owner::Known([Arc::new(process)].into());
    let found = [
        "proc:node",
        "proc:server.js",
        "proc:MainThread",
        "cmd:--last",
        "--last",
    ];
    check(&row, &found, &["proc:last", "cmd:MainThread"]);
}
