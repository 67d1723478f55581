//! In which style a text can be written at all.

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text has in it that keeps it from being written in a style.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question about the text, and all are asked in one pass")]
pub(super) struct Looks {
    empty: bool,
    /// It would be taken for something of YAML's own.
    indicators: bool,
    breaks: bool,
    /// Characters that are never written as they are.
    special: bool,
    tabs: bool,
    leading_space: bool,
    leading_break: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
}

impl Looks {
    pub(super) fn of(text: &str) -> Self {
        let mut looks = Self {
            empty: text.is_empty(),
            indicators: text.starts_with("---") || text.starts_with("..."),
            leading_space: text.starts_with(' '),
            leading_break: text.starts_with(is_break),
            trailing_space: text.ends_with(' '),
            trailing_break: text.ends_with(is_break),
            ..Self::default()
        };
        let mut before = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            looks.see(before, character, characters.peek().copied());
            before = Some(character);
        }
        looks
    }

    fn see(&mut self, before: Option<char>, character: char, next: Option<char>) {
        self.indicators |= is_indicator(before, character, next);
        self.tabs |= character == '\t';
        self.special |= character != '\t' && !is_printable(character);
        self.breaks |= is_break(character);
        self.break_space |= character == ' ' && before.is_some_and(is_break);
        self.space_break |= is_break(character) && before == Some(' ');
    }

    /// The style that comes nearest to the one that is wanted.
    pub(super) fn style(&self, wanted: Style, key: bool) -> Style {
        let wanted = if key && self.breaks { Style::Double } else { wanted };
        match wanted {
            Style::Plain if !self.can_be_plain() || (self.empty && key) => self.style(Style::Single, key),
            Style::Single if !self.can_be_single() => Style::Double,
            Style::Literal if !self.can_be_literal() || key => Style::Double,
            style => style,
        }
    }

    fn can_be_plain(&self) -> bool {
        let at_the_edge = self.leading_space || self.leading_break || self.trailing_space || self.trailing_break;
        self.can_be_single() && !at_the_edge && !self.breaks && !self.indicators
    }

    fn can_be_single(&self) -> bool {
        !(self.break_space || self.space_break || self.tabs || self.special)
    }

    fn can_be_literal(&self) -> bool {
        !(self.empty || self.trailing_space || self.space_break || self.special)
    }
}

fn is_indicator(before: Option<char>, character: char, next: Option<char>) -> bool {
    let ends = next.is_none_or(|next| matches!(next, ' ' | '\t'));
    match (before, character) {
        (None, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`') => true,
        (None, '?' | ':' | '-') | (Some(_), ':') => ends,
        (Some(before), '#') => matches!(before, ' ' | '\t' | '\0') || is_break(before),
        _ => false,
    }
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// How a character stands between double quotes, if not as it is.
pub(super) fn escaped(character: char) -> Option<String> {
    Some(match character {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        other if is_printable(other) => return None,
        other => match u32::from(other) {
            code @ ..=0xff => format!("\\x{code:02X}"),
            code @ ..=0xffff => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    })
}
