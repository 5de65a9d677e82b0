//! Commands about network namespaces.

use super::Session;
use crate::app::Effect;
use crate::model::{Moment, NamespaceScope, State, counted};

impl Session {
    /// Lists the namespaces, or shows the rows of the one that is named.
    pub(super) fn namespaces(&mut self, name: &str, now: Moment) -> Vec<Effect> {
        if name.is_empty() {
            self.list_namespaces();
            return Vec::new();
        }
        let Some(scope) = self.app.namespaces_named(name) else {
            let others = self.app.other_namespaces().into_iter();
            let others = others.map(|(one, _)| one.name.as_str());
            let all: Vec<_> = ["own", "all"].into_iter().chain(others).collect();
            self.print(format!(
                "unknown namespace `{name}`; namespaces: {}",
                all.join(", ")
            ));
            return Vec::new();
        };
        let effects = self.app.command(|app| app.show_namespaces(scope, now));
        self.print_scope();
        self.print_shown();
        effects
    }

    /// `own: 12 sockets`, `web: 2 sockets, container of docker`, and which are shown.
    fn list_namespaces(&mut self) {
        self.print_scope();
        let rows = self.app.table().rows.iter();
        let own = rows.filter(|row| {
            let socket = &row.socket;
            socket.is_own() && socket.state != State::Dnat && !row.is_closed()
        });
        let own = format!("own: {}", counted(own.count(), "socket", "sockets"));
        let others = self.app.other_namespaces().into_iter();
        let others = others.map(|(one, count)| {
            let container = one.container.as_ref();
            let kind = container.map_or_else(String::new, |container| match container.engine {
                Some(engine) => format!(", container of {}", engine.as_str()),
                None => ", container".to_owned(),
            });
            let sockets = counted(*count, "socket", "sockets");
            format!("{}: {sockets}{kind}", one.name)
        });
        let lines: Vec<_> = std::iter::once(own).chain(others).collect();
        self.print_page(lines, super::PAGE);
    }

    fn print_scope(&mut self) {
        let text = match self.app.rows().criteria.namespaces {
            NamespaceScope::Own => "only the own namespace is shown".to_owned(),
            NamespaceScope::All => "all namespaces are shown".to_owned(),
            NamespaceScope::One(_) => {
                let texts = self.app.namespaces_texts();
                let name = texts.map_or_else(String::new, |([_, name], _)| name);
                format!("only the namespace {name} is shown")
            }
        };
        self.print(text);
    }

    /// `34 sockets in 3 other namespaces`, while only our own is shown.
    pub(super) fn others_text(&self) -> Option<String> {
        let others = &self.app.table().namespaces;
        let is_own = self.app.rows().criteria.namespaces == NamespaceScope::Own;
        let sockets = others.iter().map(|(_, count)| count).sum::<usize>();
        let sockets = counted(sockets, "socket", "sockets");
        let namespaces = counted(others.len(), "other namespace", "other namespaces");
        (is_own && !others.is_empty()).then(|| format!("{sockets} in {namespaces}"))
    }
}
