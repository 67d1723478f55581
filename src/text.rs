//! Makes text from other sources safe to show.
//!
//! Commit subjects, values of a plan, lines of a log and messages of the engine can contain characters that control a
//! terminal or disguise a line: escape sequences, carriage returns, marks that change the writing
//! direction, characters without a width. [`visible`] shows marks instead of them. All output for people passes
//! through it: on a terminal, in the `remote:` lines of a push, in skep's own log and on a forge. Data for programs does
//! not. Characters that merely look like others, such as a Cyrillic `а`, are not detected.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest recognised escape sequence for a colour, in bytes.
const LONGEST_COLOUR: usize = 40;
/// The escape sequence that resets all colours.
const RESET: &str = "\u{1b}[0m";

/// Replaces each control character by a mark: `^[` for an escape, `<U+202E>` for one that
/// changes the writing direction. Line ends and tabs are kept.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut shown, c));
    Cow::Owned(shown)
}

/// Like [`visible`], on one line: line ends are also replaced by marks.
pub fn one_line(text: &str) -> Cow<'_, str> {
    match visible(text) {
        shown if shown.contains('\n') => Cow::Owned(shown.replace('\n', "\\n")),
        shown => shown,
    }
}

/// Like [`visible`], but keeps colours, which are reset at the end of each line.
pub fn coloured(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let mut is_painted = false;
        for piece in pieces(line) {
            match piece {
                Piece::Colour(sequence) => {
                    shown.push_str(sequence);
                    is_painted = sequence != RESET;
                }
                Piece::Text(text) => shown.push_str(&visible(text)),
            }
        }
        shown.push_str(if is_painted { RESET } else { "" });
        shown.push_str(end);
    }
    shown
}

/// Like [`visible`], but removes colours.
pub fn plain(text: &str) -> String {
    let shown = |piece| match piece {
        Piece::Colour(_) => Cow::Borrowed(""),
        Piece::Text(text) => visible(text),
    };
    pieces(text).map(shown).collect()
}

/// The first `most` characters of a text, followed by a mark if there are more.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned() + "…"),
        None => Cow::Borrowed(text),
    }
}

/// A text that is quoted in a message: at most 60 characters of it.
pub fn cut(text: &str) -> Cow<'_, str> {
    shortened(text, 60)
}

/// Escapes every control character in JSON; the data stays the same.
pub fn escaped_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| {
                let _ = write!(shown, "\\u{unit:04x}");
            });
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A part of a line.
enum Piece<'a> {
    /// An escape sequence that only changes colours.
    Colour(&'a str),
    /// Anything else.
    Text(&'a str),
}

fn pieces(line: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let begin = rest.find('\u{1b}').unwrap_or(rest.len());
        let (text, from) = rest.split_at_checked(begin)?;
        if !text.is_empty() {
            rest = from;
            return Some(Piece::Text(text));
        }
        let end = colour(from).or_else(|| from.chars().next().map(char::len_utf8))?;
        let is_colour = end > 1;
        let (piece, after) = from.split_at_checked(end)?;
        rest = after;
        Some(if is_colour { Piece::Colour(piece) } else { Piece::Text(piece) })
    })
}

/// The length of the escape sequence at the start of a text, if it only changes colours (ECMA-48, SGR) and does not
/// hide the following text.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?;
    let (parameters, rest) = parameters.split_at_checked(length)?;
    let is_colour = length <= LONGEST_COLOUR && rest.starts_with('m') && !hides(parameters);
    is_colour.then_some(length + 3)
}

/// Whether one of the parameters hides text: 8, unless it is part of a numeric colour.
fn hides(parameters: &str) -> bool {
    let mut parameters = parameters.split([';', ':']).map(|number| number.trim_start_matches('0'));
    while let Some(parameter) = parameters.next() {
        let skipped = match parameter {
            "8" => return true,
            "38" | "48" | "58" => match parameters.next() {
                Some("5") => 1,
                Some("2") => 3,
                _ => 0,
            },
            _ => 0,
        };
        parameters.by_ref().take(skipped).for_each(drop);
    }
    false
}

fn push(shown: &mut String, c: char) {
    let mark = match c {
        c if !acts(c) => {
            shown.push(c);
            return;
        }
        '\u{7f}' => '?',
        '\0'..='\u{1f}' => char::from(c as u8 ^ 0x40),
        _ => {
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
            return;
        }
    };
    shown.extend(['^', mark]);
}

/// Whether a character is a control character or invisible.
fn acts(c: char) -> bool {
    match c {
        // The last two select the presentation of an emoji.
        '\n' | '\t' | '\u{fe0e}' | '\u{fe0f}' => false,
        c if c.is_ascii() => c.is_ascii_control(),
        c => c.is_control() || turns(c) || is_unseen(c),
    }
}

/// Whether a character changes the writing direction.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character has no width, breaks the line, or is ignorable (Unicode,
/// `Default_Ignorable_Code_Point`, and the line and paragraph separators).
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_on_a_terminal_becomes_a_mark() {
        insta::assert_snapshot!(visible("a\x1b[31mb\x1b]0;t\x07c\rd\x08e\x00f\x7fg\u{9b}h"), @"a^[[31mb^[]0;t^Gc^Md^He^@f^?g<U+009B>h");
        insta::assert_snapshot!(visible("\u{202e}txt.\u{2066}\u{200b}\u{feff}\u{e0041}\u{2028}"), @"<U+202E>txt.<U+2066><U+200B><U+FEFF><U+E0041><U+2028>");
    }

    #[test]
    fn text_of_all_languages_stays_as_it_is() {
        for text in ["", "web 1/2\n\tstarting", "Überschrift – naïve", "サービス 服务 서비스", "שירות خدمة", "✅ ❤️ 🚀"]
        {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn one_line_stays_one() {
        assert_eq!(one_line("refused\nremote: shop is deployed"), "refused\\nremote: shop is deployed");
    }

    #[test]
    fn colours_can_be_kept_or_left_out_and_nothing_else_can() {
        let log = "\x1b[1;38;5;8mred\x1b[0m \x1b[31mopen\x1b[8mhidden\x1b[2J\x1b]0;t\x07\nnext";
        insta::assert_debug_snapshot!(coloured(log), @r#""\u{1b}[1;38;5;8mred\u{1b}[0m \u{1b}[31mopen^[[8mhidden^[[2J^[]0;t^G\u{1b}[0m\nnext""#);
        insta::assert_snapshot!(plain(log), @"
        red open^[[8mhidden^[[2J^[]0;t^G
        next
        ");
        assert_eq!(coloured("\x1b["), "^[[");
        assert_eq!(plain(&format!("\x1b[{}m", "1;".repeat(40))), format!("^[[{}m", "1;".repeat(40)));
    }

    #[test]
    fn json_stays_the_same_data() {
        let value = serde_json::json!({ "text": "a\u{1b}\u{9b}\u{202e}\u{e0041}\n\"é" });
        let json = escaped_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!json.contains(acts), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_acts(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.contains(acts));
            prop_assert_eq!(visible(&shown), shown.clone());
            prop_assert!(!plain(&text).contains(acts));
            prop_assert!(!one_line(&text).contains('\n'));
        }

        #[test]
        fn a_text_is_cut_between_characters(text in any::<String>(), most in 0_usize..50) {
            let shown = shortened(&text, most);
            prop_assert!(shown.chars().count() <= most + 1);
            prop_assert!(text.starts_with(shown.trim_end_matches('…')) || text.contains('…'));
        }

        #[test]
        fn only_colours_are_kept(text in "(\\x1b|\\[|[0-9;:m8]|a|\n|\u{9b})*") {
            let shown = coloured(&text);
            let mut rest = shown.as_str();
            while let Some(at) = rest.find('\u{1b}') {
                let length = colour(rest.get(at..).unwrap_or_default());
                prop_assert!(length.is_some(), "{:?}", shown);
                rest = rest.get(at + length.unwrap_or(1)..).unwrap_or_default();
            }
            let is_closed = shown.lines().all(|line| !line.contains('\u{1b}') || line.ends_with('m'));
            prop_assert!(is_closed, "{:?}", shown);
        }
    }
}
