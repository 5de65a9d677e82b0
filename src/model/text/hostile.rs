//! The characters that are never sent to a terminal.
//!
//! A list, so that the check is cheap; a test holds it against the classes of Unicode.

/// Whether terminals act on it, show nothing for it, or disagree on its width:
///
/// - controls (`Cc`), line and paragraph separators (`Zl`, `Zp`);
/// - format characters (`Cf`): bidirectional ones, joiners, the byte order mark, interlinear annotations;
/// - whatever else is to be ignored where it is not understood (`Default_Ignorable_Code_Point`): variation
///   selectors, tags, the fillers of Korean;
/// - what is drawn with the character behind it (`Grapheme_Cluster_Break=Prepend`), as a chain of them has no end;
/// - regional indicators, of which some terminals make flags;
/// - private use (`Co`), whose meaning and width depend on the font;
/// - noncharacters;
/// - the one character that would be three cells wide: terminals have one and two;
/// - the one blank that is two: at the end of a line it would cross the edge.
pub(super) fn is_hostile(c: char) -> bool {
    is_noncharacter(c)
        || matches!(c,
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}'
            | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{d4e}'
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{17d8}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3000}' | '\u{3164}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{111c2}'..='\u{111c3}'
            | '\u{113d1}' | '\u{1193f}' | '\u{11941}' | '\u{11a3a}' | '\u{11a84}'..='\u{11a89}'
            | '\u{11d46}' | '\u{11f02}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{1f1e6}'..='\u{1f1ff}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

/// The last two of every plane, and 32 more.
fn is_noncharacter(c: char) -> bool {
    u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}
