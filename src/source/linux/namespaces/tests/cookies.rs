//! Namespaces by their cookies.

use super::*;

fn known(number: Number, cookie: Option<u64>) -> Namespaces {
    let mut all = Namespaces::default();
    let references = [Reference::Process(7)].into();
    let mut known = all.new_namespace(number, references, false, None);
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
    assert_eq!((first.id, first.cookie), (NamespaceId(1), Some(5)));
    for (read, id, cookie) in [(Some(5), 1, 5), (None, 1, 5), (Some(6), 2, 6), (None, 2, 6)] {
        if let Some(known) = all.known.get_mut(&number) {
            known.sockets.cookie = read;
        }
        all.compare_cookies(at);
        let now = &all.known[&number].namespace;
        assert_eq!(
            (now.id, now.cookie, now.inode),
            (NamespaceId(id), Some(cookie), first.inode),
            "{read:?}"
        );
    }
}

#[test]
fn without_cookies_the_number_and_the_references_count() {
    let number = Number::Inode(4_026_532_254);
    let mut all = known(number, None);
    all.compare_cookies(Moment::default());
    let namespace = &all.known[&number].namespace;
    assert_eq!((namespace.id, namespace.cookie), (NamespaceId(1), None));
}
