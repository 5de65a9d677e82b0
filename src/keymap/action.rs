//! Everything that a key can make the program do.

/// A command of the person at the keyboard. Which key gives it is the [keymap](crate::keymap)'s
/// affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the keymap describes each for the help screen")]
pub enum Action {
    Down,
    Up,
    PageDown,
    PageUp,
    Top,
    Bottom,
    GoTo,
    ToggleFollow,
    ToggleMarked,
    ShowListening,
    ShowConnections,
    ShowAll,
    ShowChanges,
    ShowFifth,
    ShowSixth,
    ShowSeventh,
    ShowEighth,
    ShowNinth,
    NextView,
    PreviousView,
    ToggleTcp,
    ToggleUdp,
    ChooseKinds,
    EditFilter,
    RestoreFilter,
    SortByNext,
    ReverseSort,
    ToggleDetails,
    ToggleEvents,
    ToggleStats,
    BindTest,
    BindTestAny,
    Watch,
    CopyRemedy,
    EndBlocker,
    GoToBlocker,
    FindFreePort,
    EndProcess,
    Copy,
    Write,
    TogglePause,
    Refresh,
    Slower,
    Faster,
    ChooseColumns,
    NextTheme,
    ReadSettings,
    ToggleNames,
    PaneDown,
    PaneUp,
    OpenPalette,
    ToggleHelp,
    Back,
    Redraw,
    Quit,
    Suspend,
    Accept,
    Toggle,
    Confirm,
    OtherSignal,
    OtherTargets,
    RecallEarlier,
    RecallLater,
    CompleteNext,
    CompletePrevious,
}

impl Action {
    /// What the file of settings calls it: the variant's name in small letters, with hyphens. Who renames a variant
    /// breaks the files of users.
    pub fn name(self) -> String {
        crate::keymap::hyphenated(&format!("{self:?}"))
    }
}
