//! The format of `/etc/passwd` and of the answers of `getent passwd` (`passwd(5)`).

/// The uid and name on each line of `name:password:uid:…`; other lines are passed over.
pub(super) fn parse(passwd: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    passwd.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
        Some((uid, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_whatever_their_shell() {
        let passwd = b"root:x:0:0:root:/root:/bin/bash\nmysql:x:106:1:,,,:/x:/bin/false\n\n#\n:x:7:\nbad:x:y:\n";
        let users: Vec<_> = parse(passwd).collect();
        assert_eq!(users, [(0, &b"root"[..]), (106, &b"mysql"[..])]);
    }
}
