//! `# check=skip=NAME,NAME;error=true`: which of BuildKit's own checks count for a file, or for an instruction.
//!
//! After BuildKit's `frontend/dockerfile/linter` (`ParseLintOptions`). A directive that it does not understand ends the build.

use crate::diagnostic::{Diagnostic, Span};
use crate::lint::dockerfile::{Word, problem};
use crate::text;

/// What a `# check=` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// The checks that are switched off, and where each is named; `all` is all of them.
    pub skipped: Vec<Word>,
    /// The checks that are switched on, which are not by themselves.
    pub experimental: Vec<String>,
    /// Whether the build ends where a check finds something.
    pub is_error: bool,
}

/// Every check of BuildKit (`linter/ruleset.go`).
pub const NAMES: [&str; 22] = [
    "ConsistentInstructionCasing",
    "CopyIgnoredFile",
    "DuplicateStageName",
    "ExposeInvalidFormat",
    "ExposeProtoCasing",
    "FromAsCasing",
    "FromPlatformFlagConstDisallowed",
    "InvalidBaseImagePlatform",
    "InvalidDefaultArgInFrom",
    "InvalidDefinitionDescription",
    "JSONArgsRecommended",
    "LegacyKeyValueFormat",
    "MaintainerDeprecated",
    "MultipleInstructionsDisallowed",
    "NoEmptyContinuation",
    "RedundantTargetPlatform",
    "ReservedStageName",
    "SecretsUsedInArgOrEnv",
    "StageNameCasing",
    "UndefinedArgInFrom",
    "UndefinedVar",
    "WorkdirRelativePath",
];

impl Checks {
    /// Reads the value of a directive; what stands after a space is not looked at.
    pub(in crate::lint) fn read(value: &Word) -> Result<Self, Box<Diagnostic<Span>>> {
        let mut checks = Self::default();
        let text = value.text.split(' ').next().unwrap_or_default();
        let mut at = 0;
        for part in text.splitn(3, ';') {
            let word = Word { text: part.to_owned(), span: value.part(at..at + part.len()) };
            checks.option(&word)?;
            at += part.len() + 1;
        }
        Ok(checks)
    }

    fn option(&mut self, option: &Word) -> Result<(), Box<Diagnostic<Span>>> {
        let wrong = |message: String| {
            let help = "write `# check=skip=NAME,NAME;error=true`, without blanks".to_owned();
            Err(Box::new(problem(&option.span, message, help)))
        };
        let Some((key, value)) = option.text.split_once('=') else {
            return wrong(format!("Docker does not understand `{}` in `# check=`", text::cut(&option.text)));
        };
        let start = key.len() + 1;
        match key.trim() {
            "skip" => self.skipped = names(value).map(|(at, name)| named(option, start + at, name)).collect(),
            "experimental" => self.experimental = names(value).map(|(_, name)| name.to_owned()).collect(),
            "error" => match value.trim() {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => self.is_error = true,
                "0" | "f" | "F" | "FALSE" | "false" | "False" => self.is_error = false,
                other => return wrong(format!("`error` is `true` or `false`, and not `{}`", text::cut(other))),
            },
            other => return wrong(format!("`# check=` has no `{}`", text::cut(other))),
        }
        Ok(())
    }
}

/// The names of a list and where each begins.
fn names(list: &str) -> impl Iterator<Item = (usize, &str)> {
    list.split(',').scan(0, |at, part| {
        let start = *at + (part.len() - part.trim_start().len());
        *at += part.len() + 1;
        Some((start, part.trim()))
    })
}

fn named(option: &Word, at: usize, name: &str) -> Word {
    let span: Span = option.part(at..at + name.len());
    Word { text: name.to_owned(), span }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, bool), String> {
        let checks = Checks::read(&Word { text: text.to_owned(), span: 10..10 + text.len() });
        let shown = |word: &Word| format!("{}@{}", word.text, word.span.start);
        let shown =
            checks.map(|checks| (checks.skipped.iter().map(shown).collect::<Vec<_>>().join(" "), checks.is_error));
        shown.map_err(|problem| problem.message)
    }

    #[test]
    fn a_directive_is_read_as_buildkit_reads_it() {
        assert_eq!(read("skip=A,B;error=true"), Ok(("A@15 B@17".into(), true)));
        assert_eq!(read("error=true;skip=all"), Ok(("all@26".into(), true)));
        assert_eq!(read("experimental=all;skip=A"), Ok(("A@32".into(), false)));
        assert_eq!(read("skip=A and more"), Ok(("A@15".into(), false)));
        insta::assert_snapshot!(read("skip=A;error=maybe").unwrap_err(), @"`error` is `true` or `false`, and not `maybe`");
        insta::assert_snapshot!(read("skip=A; error=true").unwrap_err(), @"Docker does not understand `` in `# check=`");
        insta::assert_snapshot!(read("ignore=A").unwrap_err(), @"`# check=` has no `ignore`");
        insta::assert_snapshot!(read("skip").unwrap_err(), @"Docker does not understand `skip` in `# check=`");
    }
}
