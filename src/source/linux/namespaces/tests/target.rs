//! What the names of `-N` mean.

use super::super::commands::option_for;
use super::*;

fn container(name: &str, id: &str) -> Container {
    Container {
        engine: None,
        id: Some(id.into()),
        name: name.into(),
        image: None,
        project: None,
        service: None,
        pod: None,
    }
}

/// Any number of digits was enough, while `list` takes four or more.
#[test]
fn four_digits_are_the_start_of_an_id() {
    let web = container("web", "0123456789ab");
    for name in ["0123", "0123456789AB", "0123456789abcdef0123"] {
        assert!(has_id(&web, name), "{name}");
    }
    for name in ["", "012", "web", "1234", "0123x", "01234\u{e9}"] {
        assert!(!has_id(&web, name), "{name}");
    }
}

#[test]
fn a_number_with_a_zero_in_front_is_no_pid() {
    assert_eq!(pid("812"), Some(812));
    for name in ["0", "0123", "+1", "-1", "", "8a", "99999999999"] {
        assert_eq!(pid(name), None, "{name}");
    }
}

#[test]
fn two_meanings_are_one_line_with_the_number_of_each() {
    let namespace = |inode: u64, name: &str, container: Option<Container>| {
        let entry = Entry::process(7, Some(inode));
        made(Some(inode), name.into(), container.map(Arc::new), entry)
    };
    let meant = [
        namespace(4_026_532_254, "812", Some(container("812", "0123456789ab"))),
        namespace(4_026_531_840, "sshd 4026531840", None),
    ];
    assert_eq!(
        ambiguous(&meant),
        "this means several network namespaces: container 812 (4026532254) and network namespace \
         sshd 4026531840 (4026531840); use the number of one"
    );
}

#[test]
fn this_process_is_in_its_own_namespace() {
    let (namespace, entry) = find_target(&std::process::id().to_string()).unwrap();
    let own = Entry::file("/proc/self/ns/net", None).inode_now();
    assert_eq!(namespace.inode, own);
    assert_eq!(
        option_for(&namespace, &entry).as_deref(),
        Some(&*std::process::id().to_string())
    );
    let unknown = find_target("no such namespace").unwrap_err();
    assert!(
        unknown.starts_with("unknown network namespace: use a container, "),
        "{unknown}"
    );
}

/// A command that was printed for root led to another namespace, or to none.
#[test]
fn each_option_leads_to_the_namespace_that_it_is_for() {
    let all = Namespaces::discover();
    for (namespace, entry) in all {
        let (Some(option), Some(number)) = (option_for(&namespace, &entry), namespace.inode) else {
            continue;
        };
        match find_target(&option) {
            Ok((found, _)) => assert_eq!(found.inode, Some(number), "{option}"),
            // It has ended meanwhile, or its name is that of several.
            Err(_) => assert!(entry.open().is_err() || pid(&option).is_none(), "{option}"),
        }
    }
}

/// `-N shop` was unknown since the table shows it as `shop (ann)`.
#[test]
fn a_container_of_another_user_is_found_by_its_own_name() {
    let is_called = |shown: &str, name| super::is_called(&Text::new(shown), name);
    assert!(is_called("shop (ann)", "shop"));
    for other in ["", "sho", "shop (", "shop (ann", "shop (ann)", "shops"] {
        assert!(!is_called("shop (ann)", other), "{other}");
    }
    assert!(!is_called("shop", "shop"), "that is the exact name");
}
