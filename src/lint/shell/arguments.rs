//! The parts of a command as programs read them: its name, its flags, its operands.

use crate::lint::shell::{Assignment, Simple, Word};

/// What may stand before a command without being one.
const PREFIXES: [&str; 4] = ["builtin", "command", "exec", "time"];

impl Simple {
    /// The name of the program; empty if there is none.
    pub(in crate::lint) fn name(&self) -> &str {
        self.words.get(self.prefix()).map_or("", |word| word.text.as_str())
    }

    /// Where the name stands.
    pub(in crate::lint) fn name_word(&self) -> &Word {
        &self.words[self.prefix()]
    }

    /// What follows the name.
    pub(in crate::lint) fn arguments(&self) -> &[Word] {
        self.words.get(self.prefix() + 1..).unwrap_or_default()
    }

    /// How many words stand before the name: `command`, `exec`.
    fn prefix(&self) -> usize {
        let is_prefix = |word: &&Word| PREFIXES.contains(&word.text.as_str());
        let count = self.words.iter().take_while(is_prefix).count();
        let is_name = self.words.get(count).is_some_and(|word| !word.text.starts_with('-'));
        if is_name { count } else { 0 }
    }

    /// Whether it is one of these programs.
    pub(in crate::lint) fn is(&self, names: &[&str]) -> bool {
        !self.words.is_empty() && names.contains(&self.name())
    }

    /// Whether it is this program, in whatever folder it is.
    pub(in crate::lint) fn is_in_any_folder(&self, name: &str) -> bool {
        !self.words.is_empty() && self.name().rsplit('/').next() == Some(name)
    }

    /// Whether one of its arguments is exactly one of these.
    pub(in crate::lint) fn has(&self, words: &[&str]) -> bool {
        self.arguments().iter().any(|word| words.contains(&word.text.as_str()))
    }

    /// Whether it has this flag: `--long`, `--long=…`, or the letter alone or among others (`-qy`).
    pub(in crate::lint) fn has_flag(&self, long: &str, short: char) -> bool {
        self.flags().any(|flag| is_long(flag, long) || is_short(flag, short))
    }

    /// Whether it has this flag, which has no short form.
    pub(in crate::lint) fn has_long(&self, long: &str) -> bool {
        self.flags().any(|flag| is_long(flag, long))
    }

    /// Its arguments with a dash, as far as `--` alone.
    pub(in crate::lint) fn flags(&self) -> impl Iterator<Item = &str> {
        let texts = self.arguments().iter().map(|word| word.text.as_str());
        texts.take_while(|text| *text != "--").filter(|text| text.starts_with('-'))
    }

    /// Its arguments that are neither flags nor the values of these flags.
    pub(in crate::lint) fn operands(&self, valued: &[&str]) -> Vec<&Word> {
        let mut operands = Vec::new();
        let mut words = self.arguments().iter();
        while let Some(word) = words.next() {
            match word.text.as_str() {
                "--" => {
                    operands.extend(words);
                    break;
                }
                flag if valued.contains(&flag) => drop(words.next()),
                flag if flag.starts_with('-') => {}
                _ => operands.push(word),
            }
        }
        operands
    }

    /// What follows one of these subcommands, if it is there: `install`.
    pub(in crate::lint) fn behind(&self, verbs: &[&str], valued: &[&str]) -> Option<Vec<&Word>> {
        let mut operands = self.operands(valued);
        let at = operands.iter().position(|word| verbs.contains(&word.text.as_str()))?;
        Some(operands.split_off(at + 1))
    }

    /// The value that stands before it for a variable, or that it exports.
    pub(in crate::lint) fn assigned(&self, name: &str) -> Option<&Assignment> {
        self.assignments.iter().find(|assignment| assignment.name == name)
    }
}

fn is_long(flag: &str, long: &str) -> bool {
    flag.strip_prefix("--")
        .and_then(|rest| rest.strip_prefix(long))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

fn is_short(flag: &str, short: char) -> bool {
    flag.strip_prefix('-').is_some_and(|rest| !rest.starts_with('-') && rest.contains(short))
}
