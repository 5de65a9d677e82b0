//! All actions of keys, by kind, with their names in the config.

/// Declares kinds of actions: each variant with its name in the config, which must never change.
macro_rules! actions {
    ($($(#[$doc:meta])* $kind:ident { $($variant:ident = $name:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the keymap describes each for the help screen")]
        pub enum $kind {
            $($variant,)*
        }

        impl $kind {
            /// Its name in the config.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    )*};
}

actions! {
    /// Where a cursor or a text goes.
    MoveAction {
        Down = "down",
        Up = "up",
        PageDown = "page-down",
        PageUp = "page-up",
        Top = "top",
        Bottom = "bottom",
    }

    /// Actions on the table and its rows.
    TableAction {
        GoTo = "go-to",
        ToggleFollow = "toggle-follow",
        TogglePinned = "toggle-marked",
        MarkRow = "mark-row",
        MarkAll = "mark-all",
        NextTrouble = "next-trouble",
        ShowTrouble = "show-trouble",
        NextView = "next-view",
        PreviousView = "previous-view",
        ToggleTcp = "toggle-tcp",
        ToggleUdp = "toggle-udp",
        ChooseKinds = "choose-kinds",
        NextNamespace = "next-namespace",
        ShowAllNamespaces = "show-all-namespaces",
        ShowOwnNamespace = "show-own-namespace",
        ChooseColumns = "choose-columns",
        ToggleNumbers = "toggle-numbers",
        Right = "right",
        Left = "left",
        EditFilter = "edit-filter",
        RestoreFilter = "restore-filter",
        ChooseSort = "choose-sort",
        Find = "find",
        FindNext = "find-next",
        FindPrevious = "find-previous",
        SortByNext = "sort-by-next",
        ReverseSort = "reverse-sort",
        GroupByNext = "group-by-next",
        ChooseGroups = "choose-groups",
        ToggleNames = "toggle-names",
        Copy = "copy",
        Write = "write",
    }

    /// The pane beside the table.
    PaneAction {
        ToggleDetails = "toggle-details",
        ShowDetails = "show-details",
        ToggleEvents = "toggle-events",
        ToggleStats = "toggle-stats",
        Down = "pane-down",
        Up = "pane-up",
        Focus = "focus-pane",
        Zoom = "zoom-pane",
        GoToRow = "go-to-row",
        Search = "search-pane",
        NextMatch = "next-match",
        PreviousMatch = "previous-match",
    }

    /// Actions on a port or a process.
    PortAction {
        BindTest = "bind-test",
        BindTestAny = "bind-test-any",
        FindFreePort = "find-free-port",
        EndProcess = "end-process",
        OpenInBrowser = "open-in-browser",
    }

    /// Actions on an open bind test.
    BindTestAction {
        Watch = "watch",
        EndBlocker = "end-blocker",
        GoToBlocker = "go-to-blocker",
        ToggleMatrix = "toggle-matrix",
    }

    /// Actions on the whole program.
    ProgramAction {
        TogglePause = "toggle-pause",
        Refresh = "refresh",
        Slower = "slower",
        Faster = "faster",
        NextTheme = "next-theme",
        ToggleMouse = "toggle-mouse",
        ReadSettings = "read-settings",
        SaveSettings = "save-settings",
        OpenPalette = "open-palette",
        ToggleHelp = "toggle-help",
    }

    /// Where in time the table is.
    TimeAction {
        PreviousSnapshot = "previous-snapshot",
        NextSnapshot = "next-snapshot",
        PreviousChange = "previous-change",
        NextChange = "next-change",
        Start = "history-start",
        End = "history-end",
        GoTo = "go-to-time",
        Now = "back-to-now",
    }

    /// Actions in every mode.
    SessionAction {
        Redraw = "redraw",
        Quit = "quit",
        Suspend = "suspend",
    }

    /// Actions on an open dialog: a prompt, a menu, the palette, a question.
    DialogAction {
        Accept = "accept",
        Toggle = "toggle",
        MoveDown = "move-down",
        MoveUp = "move-up",
        Confirm = "confirm",
        OtherSignal = "other-signal",
        PreviousSignal = "previous-signal",
        OtherTargets = "other-targets",
        RecallEarlier = "recall-earlier",
        RecallLater = "recall-later",
        CompleteNext = "complete-next",
        CompletePrevious = "complete-previous",
    }
}

impl MoveAction {
    /// How many lines it moves by where a page has so many.
    pub fn lines(self, page: usize) -> isize {
        let page = isize::try_from(page).unwrap_or(isize::MAX);
        match self {
            Self::Down => 1,
            Self::Up => -1,
            Self::PageDown => page,
            Self::PageUp => -page,
            Self::Top => isize::MIN,
            Self::Bottom => isize::MAX,
        }
    }
}

/// A command that a key or a click gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the keymap describes each action")]
pub enum Action {
    Move(MoveAction),
    Table(TableAction),
    Pane(PaneAction),
    Port(PortAction),
    BindTest(BindTestAction),
    Program(ProgramAction),
    Time(TimeAction),
    Session(SessionAction),
    Dialog(DialogAction),
    /// Shows the view at this place among the tabs.
    ShowView(u8),
    /// Copies a command that fixes what is open.
    CopyFix,
    /// Closes what is open, then returns to now, then clears the filter, then the marks.
    Back,
}

/// The names of [`Action::ShowView`] by place.
const VIEW_NAMES: [&str; 9] = [
    "show-listening",
    "show-connections",
    "show-all",
    "show-changes",
    "show-fifth",
    "show-sixth",
    "show-seventh",
    "show-eighth",
    "show-ninth",
];

impl Action {
    /// Its name in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Move(action) => action.name(),
            Self::Table(action) => action.name(),
            Self::Pane(action) => action.name(),
            Self::Port(action) => action.name(),
            Self::BindTest(action) => action.name(),
            Self::Program(action) => action.name(),
            Self::Time(action) => action.name(),
            Self::Session(action) => action.name(),
            Self::Dialog(action) => action.name(),
            Self::ShowView(place) => {
                let name = VIEW_NAMES.get(usize::from(place));
                name.copied().unwrap_or("show-view")
            }
            Self::CopyFix => "copy-remedy",
            Self::Back => "back",
        }
    }
}
