//! Which network namespaces the rows are from, and the way from a published port to the socket inside and back.

use std::sync::Arc;

use crate::app::App;
use crate::filter::Filter;
use crate::keymap::{Action, PaneAction, TableAction};
use crate::model::{
    Kinds, Moment, Namespace, NamespaceId, NamespaceScope, Problem, ProblemCode, Text, counted,
};
use crate::query::Tab;
use crate::track::{Row, RowId};

#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The name of the only namespace that is shown, for the time when it is gone; `None` before it is found.
    name: Option<Text>,
    way_back: Option<WayBack>,
}

/// From a socket inside to the published port that the user came from, with what was shown there.
#[derive(Clone, Debug)]
struct WayBack {
    inside: RowId,
    published: RowId,
    scope: NamespaceScope,
    tab: Tab,
    kinds: Kinds,
    /// The text of the filter.
    filter: String,
}

/// Where the key of the details goes in place of opening them, by the index in the table.
#[derive(Clone, Copy)]
enum Way {
    Inside(usize),
    Back(usize),
}

impl App {
    /// The other namespaces that have open sockets, by name.
    pub(crate) fn other_namespaces(&self) -> Vec<&(Arc<Namespace>, usize)> {
        let mut others: Vec<_> = self.rows.table.namespaces.iter().collect();
        others.sort_by_key(|(one, _)| (one.name.to_lowercase(), one.id));
        others
    }

    /// The namespaces named `own`, `all` or by the name of one, ignoring case.
    pub(crate) fn namespaces_named(&self, name: &str) -> Option<NamespaceScope> {
        let is_name = |one: &str| one.eq_ignore_ascii_case(name);
        if is_name("own") {
            return Some(NamespaceScope::Own);
        }
        if is_name("all") {
            return Some(NamespaceScope::All);
        }
        let mut others = self.other_namespaces().into_iter();
        let found = others.find(|(one, _)| is_name(&one.name));
        found.map(|(one, _)| NamespaceScope::One(one.id))
    }

    /// Shows the rows of these namespaces only.
    pub(crate) fn show_namespaces(&mut self, scope: NamespaceScope, now: Moment) {
        self.rows.scope = Scope {
            name: match scope {
                NamespaceScope::One(id) => self.namespace(id).map(|one| one.name.clone()),
                NamespaceScope::Own | NamespaceScope::All => None,
            },
            way_back: None,
        };
        self.rows.criteria.namespaces = scope;
        self.reselect(now);
    }

    /// Our own, then all, then each other one by name.
    pub(crate) fn show_next_namespace(&mut self, now: Moment) {
        let others = self.other_namespaces();
        let shown = self.rows.criteria.namespaces;
        if others.is_empty() && shown == NamespaceScope::Own {
            let problem = self.namespaces_problem();
            let why = problem.map_or_else(String::new, |problem| format!(": {problem}"));
            let text = format!("no sockets of other network namespaces are known{why}");
            return self.warn(text, now);
        }
        let others = others.iter().map(|(one, _)| NamespaceScope::One(one.id));
        let all = [NamespaceScope::Own, NamespaceScope::All];
        let all: Vec<_> = all.into_iter().chain(others).collect();
        // One that has no open sockets any more is behind all.
        let at = all.iter().position(|&scope| scope == shown).unwrap_or(1);
        self.show_namespaces(all[(at + 1) % all.len()], now);
    }

    /// Shows all namespaces if the only one shown was in the table and has left it.
    pub(crate) fn leave_gone_namespace(&mut self, now: Moment) {
        let NamespaceScope::One(id) = self.rows.criteria.namespaces else {
            return;
        };
        if let Some(found) = self.namespace(id) {
            self.rows.scope.name = Some(found.name.clone());
            return;
        }
        let mut rows = self.rows.table.rows.iter();
        if rows.any(|row| row.socket.namespace_id() == id) {
            return;
        }
        if let Some(name) = self.rows.scope.name.take() {
            self.show_namespaces(NamespaceScope::All, now);
            let text = format!("the namespace {name} has no sockets any more: all are shown");
            self.warn(text, now);
        }
    }

    fn namespace(&self, id: NamespaceId) -> Option<&Namespace> {
        let mut others = self.rows.table.namespaces.iter();
        let found = others.find(|(one, _)| one.id == id);
        found.map(|(one, _)| &**one)
    }

    /// The problems of the namespaces shown.
    pub(crate) fn shown_problems(&self) -> impl Iterator<Item = &Problem> {
        let scope = self.rows.criteria.namespaces;
        let problems = self.rows.table.problems.iter();
        problems.filter(move |problem| match problem.code {
            ProblemCode::Namespaces => scope != NamespaceScope::Own,
            // It is about the ports of our own.
            ProblemCode::EphemeralPorts => scope.has(NamespaceId::OWN),
            _ => true,
        })
    }

    /// What keeps sockets of other namespaces from being read.
    fn namespaces_problem(&self) -> Option<&Text> {
        let mut problems = self.rows.table.problems.iter();
        let problem = problems.find(|problem| problem.code == ProblemCode::Namespaces);
        problem.map(|problem| &problem.message)
    }

    /// Which namespaces are shown, or what is left out, long and short, and whether it is more than our own; `None` if
    /// there is only that. Long: `+ 34 sockets in 3 namespaces (N)`, `all 4 namespaces`, `namespace web`.
    pub(crate) fn namespaces_texts(&self) -> Option<([String; 2], bool)> {
        let others = &self.rows.table.namespaces;
        let key = self.key(Action::Table(TableAction::NextNamespace));
        let key = key.map_or_else(String::new, |key| format!(" ({key})"));
        match self.rows.criteria.namespaces {
            NamespaceScope::Own if others.is_empty() => None,
            NamespaceScope::Own => {
                let count: usize = others.iter().map(|(_, count)| count).sum();
                let sockets = counted(count, "socket", "sockets");
                let namespaces = counted(others.len(), "namespace", "namespaces");
                let long = format!("+ {sockets} in {namespaces}{key}");
                let short = format!("+{count} in {} ns{key}", others.len());
                Some(([long, short], false))
            }
            NamespaceScope::All => {
                let all = others.len() + 1;
                let long = format!("all {}", counted(all, "namespace", "namespaces"));
                Some(([long, format!("all {all} ns")], true))
            }
            NamespaceScope::One(id) => {
                let known = self.rows.scope.name.as_ref();
                let name = known.or_else(|| self.namespace(id).map(|one| &one.name));
                let name = name.map_or("?", |name| name);
                Some(([format!("namespace {name}"), name.to_owned()], true))
            }
        }
    }

    /// The row of the socket that gets the traffic of a published port.
    pub(crate) fn row_inside(&self, published: &Row) -> Option<usize> {
        let (namespace, inode) = published.socket.published.as_ref()?.target?;
        let is_target = |row: &Arc<Row>| {
            let socket = &row.socket;
            let is_there = socket.inode == Some(inode) && !row.is_closed();
            is_there && socket.namespace_id() == namespace
        };
        self.rows.table.rows.iter().position(is_target)
    }

    /// The rows of the published ports whose traffic a socket gets.
    pub(crate) fn rows_that_publish(&self, inside: &Row) -> impl Iterator<Item = &Row> {
        let socket = &inside.socket;
        let target = socket.inode.map(|inode| (socket.namespace_id(), inode));
        let publishes = move |row: &&Row| {
            let published = row.socket.published.as_ref();
            let to = published.and_then(|published| published.target);
            target.is_some() && to == target && !row.is_closed()
        };
        let rows = self.rows.table.rows.iter().map(|row| &**row);
        rows.filter(publishes)
    }

    fn way_at_cursor(&self) -> Option<Way> {
        let row = self.selected()?;
        let way_back = self.rows.scope.way_back.as_ref();
        if let Some(way) = way_back.filter(|way| way.inside == row.id) {
            return self.rows.table.position(way.published).map(Way::Back);
        }
        self.row_inside(row).map(Way::Inside)
    }

    /// Whether the key of the details goes elsewhere.
    pub(crate) fn has_way_at_cursor(&self) -> bool {
        self.way_at_cursor().is_some()
    }

    /// What a key does on such a row in place of its action, as a word for its hint.
    pub(crate) fn action_on_published(&self, action: Action) -> Option<&'static str> {
        if action != Action::Pane(PaneAction::ToggleDetails) {
            return None;
        }
        Some(match self.way_at_cursor()? {
            Way::Inside(_) => "go inside",
            Way::Back(_) => "back",
        })
    }

    /// On a published port goes to the socket inside, and from there back, in the scope of before. Returns whether the
    /// cursor was on such a row.
    pub(crate) fn go_inside_or_back(&mut self, now: Moment) -> bool {
        let shown = (self.rows.criteria.clone(), self.filter.text.clone());
        let from = self.selected().map(|row| row.id);
        match self.way_at_cursor() {
            None => return false,
            Some(Way::Inside(at)) => {
                let inside = self.rows.table.rows[at].id;
                self.show_row(at, now);
                let (query, filter) = shown;
                self.rows.scope.way_back = from.map(|published| WayBack {
                    inside,
                    published,
                    scope: query.namespaces,
                    tab: query.tab,
                    kinds: query.kinds,
                    filter,
                });
            }
            Some(Way::Back(at)) => {
                if let Some(way) = self.rows.scope.way_back.take() {
                    self.show_as_before(way, now);
                }
                self.show_row(at, now);
            }
        }
        true
    }

    /// Shows what was shown on the way in.
    fn show_as_before(&mut self, way: WayBack, now: Moment) {
        (self.rows.criteria.tab, self.rows.criteria.kinds) = (way.tab, way.kinds);
        if self.filter.text.is_empty()
            && let Ok(filter) = Filter::parse_with(&way.filter, &self.settings.services)
        {
            self.set_filter(filter, way.filter, now);
        }
        self.show_namespaces(way.scope, now);
    }
}
