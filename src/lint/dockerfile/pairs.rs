//! `name=value`, as `ENV`, `LABEL` and `ARG` have them.

use crate::lint::dockerfile::{Instruction, Keyword, Word};

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name, as it is written.
    pub name: Word,
    /// The value, with its quotes; none for an `ARG` without one.
    pub value: Option<Word>,
}

impl Instruction {
    /// The names and values of an `ENV`, a `LABEL` or an `ARG`.
    pub fn pairs(&self) -> Vec<Pair> {
        match self.keyword {
            Keyword::Env | Keyword::Label if self.is_old_form() => self.old_pair().into_iter().collect(),
            Keyword::Env | Keyword::Label | Keyword::Arg => self.words().iter().map(pair).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it is `ENV name value`, without `=`.
    pub fn is_old_form(&self) -> bool {
        matches!(self.keyword, Keyword::Env | Keyword::Label)
            && self.words().first().is_some_and(|first| !first.text.contains('='))
    }

    /// In the old form everything after the name is the value.
    fn old_pair(&self) -> Option<Pair> {
        let (name, rest) = self.words().split_first()?;
        let texts: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
        let value = rest
            .first()
            .zip(rest.last())
            .map(|(first, last)| Word { text: texts.join(" "), span: first.span.start..last.span.end });
        Some(Pair { name: name.clone(), value })
    }
}

fn pair(word: &Word) -> Pair {
    let Some((name, value)) = word.text.split_once('=') else { return Pair { name: word.clone(), value: None } };
    let value_range = name.len() + 1..word.text.len();
    Pair {
        name: Word { text: name.to_owned(), span: word.part(0..name.len()) },
        value: Some(Word { text: value.to_owned(), span: word.part(value_range) }),
    }
}
