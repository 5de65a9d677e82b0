//! What a user may set.
//!
//! One struct for the config file, the command line and the running program: a new setting needs a field here, a
//! default, and a row in the table of config keys. Pure: independent of where values come from.

use std::fmt::Write as _;
use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use crate::columns::{self, ColumnId};
use crate::filter::{Filter, FilterError};
use crate::keymap::Keymap;
use crate::model::{Family, Kinds, Protocol, Services};
use crate::query::{GroupFields, NamespaceTarget, Sort, Tab};
use crate::theme::Themes;

/// What a user may set.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the config")]
pub struct Settings {
    /// Time between two snapshots.
    pub interval: Duration,
    /// For how long closed rows stay.
    pub linger: Duration,
    /// For how long opened and changed rows are marked.
    pub highlight: Duration,
    /// The initial view.
    pub view: Tab,
    /// The custom view to begin with instead, by index.
    pub custom_view: Option<usize>,
    /// Custom views.
    pub views: Vec<CustomView>,
    /// The kinds of sockets that are shown.
    pub kinds: Kinds,
    /// The network namespaces that are shown at first.
    pub namespaces: NamespaceTarget,
    /// The only family to show, if limited to one.
    pub family: Option<Family>,
    /// The initial filter.
    pub filter: Filter,
    /// The columns to show, in order. Columns that are never dropped are always included.
    pub columns: Vec<ColumnId>,
    /// The initial order.
    pub sort: Sort,
    /// By which fields to group the rows at the start.
    pub group: Option<GroupFields>,
    /// Whether to show the cost of refreshes from the start.
    pub stats: bool,
    /// Whether to use colours if the environment allows them.
    pub color: bool,
    /// The available themes, and the chosen one.
    pub themes: Themes,
    /// Whether the program uses the mouse; otherwise the terminal does, so that text can be selected with it.
    pub mouse: bool,
    /// Whether sockets that open and close between two snapshots are shown, as far as the system reports them.
    pub events: bool,
    /// Whether the processes of short-lived sockets are traced, if this user may.
    pub trace: bool,
    /// How the user is notified of alerts about pinned ports.
    pub notify: Notify,
    /// The user's names for ports.
    pub services: Services,
    /// The key bindings.
    pub keymap: Keymap,
}

/// A key of the config file with two values, as TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: &'static str,
    /// Its value in the file, or its default.
    pub before: String,
    /// Its value now.
    pub after: String,
}

/// A custom view from the config.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomView {
    /// The label of its tab.
    pub name: String,
    /// The view that it is based on.
    pub shows: Tab,
    /// Its filter.
    pub filter: Filter,
    /// Its columns in order, if not the default.
    pub columns: Option<Vec<ColumnId>>,
    /// Its sort order, if not the default.
    pub sort: Option<Sort>,
}

/// How the user is notified of an alert about a pinned port, besides the line on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Notify {
    /// The terminal's bell.
    #[default]
    Bell,
    /// A notice on the desktop, sent through the terminal.
    Desktop,
    /// Both.
    Both,
    /// Neither.
    None,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            linger: Duration::from_secs(5),
            highlight: Duration::from_secs(5),
            view: Tab::Listening,
            custom_view: None,
            views: Vec::new(),
            kinds: Kinds::DEFAULT,
            namespaces: NamespaceTarget::Own,
            family: None,
            filter: Filter::default(),
            columns: columns::default_columns().map(|one| one.id).collect(),
            sort: Sort::BY_PORT,
            group: None,
            stats: false,
            color: true,
            themes: Themes::default(),
            mouse: true,
            events: true,
            trace: false,
            notify: Notify::default(),
            services: Services::default(),
            keymap: Keymap::default(),
        }
    }
}

impl Settings {
    /// The name of the view to begin with; no two views have the same.
    pub(crate) fn first_view(&self) -> &str {
        let own = self.custom_view.and_then(|at| self.views.get(at));
        own.map_or(self.view.title(), |view| &view.name)
    }

    /// The filter, narrowed to the family that is shown.
    ///
    /// # Errors
    /// The two together are longer than a filter may be.
    pub fn narrowed_filter(&self) -> Result<Filter, FilterError> {
        self.narrowed(&self.filter)
    }

    /// Another filter, narrowed to the family that is shown.
    ///
    /// # Errors
    /// As above.
    pub fn narrowed(&self, filter: &Filter) -> Result<Filter, FilterError> {
        let Some(family) = self.family else {
            return Ok(filter.clone());
        };
        let number = match family {
            Family::Ipv4 => 4,
            Family::Ipv6 => 6,
        };
        let mut family = format!("(tcp{number} | udp{number}");
        for protocol in [Protocol::UdpLite, Protocol::Sctp, Protocol::Raw] {
            if self.kinds.has(protocol) {
                let _ = write!(family, " | proto:{}{number}", protocol.as_str());
            }
        }
        family.push(')');
        if filter.is_empty() {
            return Filter::parse(&family);
        }
        Filter::parse_with(&format!("{family} ({filter})"), &self.services)
    }
}
