//! How filters are spelled back, and which texts are the same filter.

use super::filter;

/// Text, and its canonical spelling.
const SPELLINGS: &[(&str, &str)] = &[
    ("", ""),
    (" nginx   :80 ", "nginx :80"),
    ("nginx|:8000-8999", "nginx | :8000-8999"),
    ("Nginx", "nginx"),
    ("port:80", ":80"),
    ("port:https", ":https"),
    (":HTTPS", ":https"),
    (":80-80", ":80"),
    ("addr::80", ":80"),
    ("PID:7-9", "pid:7-9"),
    ("proto:tcp6", "tcp6"),
    ("state:FIN-WAIT-1", "state:fin_wait1"),
    ("a b | c", "a b | c"),
    ("a (b | c)", "a (b | c)"),
    ("((a) (b c)) | (d | e)", "a b c | d | e"),
    ("!(a b)", "!(a b)"),
    ("! a", "!a"),
    ("!!!a", "!a"),
    ("!(!a)", "a"),
    ("\"nginx\"", "nginx"),
    ("\"two words\"", "\"two words\""),
    ("\"8080\"", "\"8080\""),
    ("\"tcp\"", "\"tcp\""),
    ("\"!a\" \"/a\" \"x:b.c\"", "\"!a\" \"/a\" \"x:b.c\""),
    ("\"http://x\"", "\"http://x\""),
    (r#""a\"b\\c\d""#, r#""a\"b\\c\\d""#),
    (r"C\d", r"c\d"),
    ("cmd:\"-g daemon\"", "cmd:\"-g daemon\""),
    ("cmd:\"-g\"", "cmd:-g"),
    ("user:1000", "user:1000"),
    (r"/a\/b\\\/\d/", r"/a\/b\\\/\d/"),
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1/32", "127.0.0.1/32"),
    ("::ffff:127.0.0.1", "127.0.0.1/32"),
    ("::ffff:127.0.0.1/128", "127.0.0.1/32"),
    ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ("127.0.0.1:080", "127.0.0.1:80"),
    ("10.1.2.3/8", "10.0.0.0/8"),
    ("10.0.0.0/8:443", "10.0.0.0/8:443"),
    ("[::1]", "::1"),
    ("[::1]:80", "[::1]:80"),
    ("[FD00::/8]:80-90", "[fd00::/8]:80-90"),
    ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
    ("addr:Localhost:80", "addr:localhost:80"),
    ("addr:10.0.0.1/32", "addr:10.0.0.1"),
    ("remote::443", "remote:443"),
    ("remote:0443", "remote:443"),
    ("remote:400-499", "remote:400-499"),
    ("remote:HTTPS", "remote::https"),
    ("remote:::1", "remote:::1"),
    ("addr:[FE80::1%eth0]:80", "addr:[fe80::1%eth0]:80"),
    ("addr:fe80::1%eth0", "addr:fe80::1%eth0"),
    ("[fe80::1%eth0]", "fe80::1%eth0"),
    ("remote:[fe80::2%eth0]:443", "remote:[fe80::2%eth0]:443"),
    ("127.0.0.1:", "127.0.0.1:"),
    ("fe80:", "fe80:"),
    ("[::1]:", "[::1]:"),
    ("bin/nginx", "bin/nginx"),
    ("port:>8000", ":>8000"),
    (":>=080", ":>=80"),
    ("addr::<1024", ":<1024"),
    ("remote:>1024", "remote:>1024"),
    ("remote::>1024", "remote:>1024"),
    ("10.0.0.1:<=80", "10.0.0.1:<=80"),
    ("[::1]:>80", "[::1]:>80"),
    ("port:80,443-450,HTTPS", ":80,443-450,https"),
    ("remote:80,443", "remote:80,443"),
    ("remote:80,HTTPS", "remote::80,https"),
    ("remote:localhost:80,443", "remote:localhost:80,443"),
    ("pid:1,2-2", "pid:1,2"),
    ("pid:>1000", "pid:>1000"),
    ("age:>60", "age:>1m"),
    ("AGE:<=90s", "age:<=90s"),
    ("age:>=0.5", "age:>=500ms"),
    ("age:<48h", "age:<2d"),
    ("recv-q:>0", "recv-q:>0"),
    ("Send-Q:>65536", "send-q:>64k"),
    ("send-q:1024-2047,1MB", "send-q:1k-2047,1m"),
    ("a and not b or c", "a !b | c"),
    ("a and (b or c)", "a (b | c)"),
    ("not (a b)", "!(a b)"),
    ("\"And\" \"or\" \"not\"", "\"and\" \"or\" \"not\""),
    ("proc:and cmd:or", "proc:and cmd:or"),
];

#[test]
fn every_text_has_one_canonical_spelling() {
    for (text, canonical) in SPELLINGS {
        assert_eq!(filter(text).to_string(), *canonical, "{text:?}");
    }
}

#[test]
fn the_canonical_spelling_is_the_same_filter() {
    for (text, canonical) in SPELLINGS {
        assert_eq!(filter(text), filter(canonical), "{text:?}");
        assert_eq!(filter(canonical).to_string(), *canonical);
    }
}

#[test]
fn a_bare_ipv4_address_is_text_but_a_network_of_one_is_not() {
    assert_ne!(filter("127.0.0.1"), filter("127.0.0.1/32"));
}
