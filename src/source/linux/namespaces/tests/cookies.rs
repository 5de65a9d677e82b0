//! Namespaces by their cookies.

use super::*;

fn known(number: Number, cookie: Option<u64>) -> Namespaces {
    let mut all = Namespaces::default();
    let references = [Reference::Process(7)].into();
    let mut known = super::new_namespace(number, references, false, None);
    known.sockets.cookie = cookie;
    all.known.insert(number, known);
    all
}

/// A namespace that got the number and the pid of the one before was taken for it.
#[test]
fn a_namespace_with_another_cookie_is_another_one() {
    let (number, at) = (Number::Inode(4_026_532_254), Moment::default());
    let mut all = known(number, Some(5));
    all.compare_cookies(at);
    let first = Arc::clone(&all.known[&number].namespace);
    assert_eq!(first.cookie, Some(5));
    let mut last = first.id;
    for (read, is_same, cookie) in [
        (Some(5), true, 5),
        (None, true, 5),
        (Some(6), false, 6),
        (None, true, 6),
    ] {
        if let Some(known) = all.known.get_mut(&number) {
            known.sockets.cookie = read;
        }
        all.compare_cookies(at);
        let now = &all.known[&number].namespace;
        assert_eq!(
            (now.id == last, now.cookie, now.inode),
            (is_same, Some(cookie), first.inode),
            "{read:?}"
        );
        last = now.id;
    }
}

#[test]
fn without_cookies_the_number_and_the_references_count() {
    let number = Number::Inode(4_026_532_254);
    let mut all = known(number, None);
    let id = all.known[&number].namespace.id;
    all.compare_cookies(Moment::default());
    let namespace = &all.known[&number].namespace;
    assert_eq!((namespace.id, namespace.cookie), (id, None));
}
