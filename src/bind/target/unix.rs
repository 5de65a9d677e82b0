//! Which texts name a unix socket: `/run/app.sock`, `./app.sock`, `unix:app.sock`, `@name`.
//!
//! Pure. A path without a slash at its beginning needs `./` or `unix:` before it: `53/udp` is a port.

use crate::model::UnixAddress;

/// The unix socket that a text names; `None` if it is meant as something else.
pub fn unix_name(text: &str) -> Option<UnixAddress> {
    let is_path = ["/", "./", "../"]
        .iter()
        .any(|start| text.starts_with(start));
    let (name, is_path) = match text.strip_prefix("unix:") {
        Some(name) => (name, true),
        None => (text, is_path),
    };
    match name.strip_prefix('@') {
        Some("") => None,
        Some(name) => Some(UnixAddress::Abstract(name.to_owned())),
        None if is_path && !name.is_empty() => Some(UnixAddress::Path(name.to_owned())),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_abstract_names_are_not_ports() {
        let path = |path: &str| Some(UnixAddress::Path(path.to_owned()));
        let name = |name: &str| Some(UnixAddress::Abstract(name.to_owned()));
        for (text, expected) in [
            ("/run/app.sock", path("/run/app.sock")),
            ("./app.sock", path("./app.sock")),
            ("../app.sock", path("../app.sock")),
            ("unix:app.sock", path("app.sock")),
            ("unix:/run/app.sock", path("/run/app.sock")),
            ("@app", name("app")),
            ("unix:@app", name("app")),
            ("@/tmp/.X11-unix/X0", name("/tmp/.X11-unix/X0")),
            ("53/udp", None),
            ("8080", None),
            ("localhost:80", None),
            ("@", None),
            ("unix:", None),
            ("", None),
        ] {
            assert_eq!(unix_name(text), expected, "{text:?}");
        }
    }
}
