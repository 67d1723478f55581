//! The findings of the real `ShellCheck` in the scripts of Dockerfiles: `skep lint --shellcheck`.
//!
//! This module prepares its input and finds the places of its output in the file; the caller runs it. Variables of
//! `ENV` and `ARG` are declared as set, as they are when the script runs. Codes for which skep has its own rule are
//! ignored. Scripts of a shell that it does not support, such as `zsh`, are skipped.

use std::sync::LazyLock;

use crate::lint::dockerfile::Dockerfile;

use crate::diagnostic::{Diagnostic, Place, Severity, Span};
use crate::lint::settings::Level;
use crate::lint::shell::{self, Script, Source, Variables};
use crate::lint::{Settings, explain};
use crate::name::RepoPath;

/// The variables that a build always has.
const PROXIES: [&str; 10] = [
    "ALL_PROXY",
    "all_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// An input of `ShellCheck`: a script, and the variables that are set when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The Dockerfile.
    pub path: RepoPath,
    /// The language, as `--shell` takes it.
    pub shell: &'static str,
    /// The text of the input.
    pub text: String,
    /// The length of the text before the script.
    ahead: usize,
    source: Source,
}

/// A comment of `ShellCheck` in its format `json1`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    level: String,
    code: u16,
    message: String,
}

/// The output of `ShellCheck` (`--format json1`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Answer {
    /// Its comments, unordered.
    pub comments: Vec<Remark>,
}

impl Answer {
    /// Parses its output.
    pub fn read(output: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(output)
    }
}

/// Codes without a meaning in a Dockerfile: about files that only the image has (SC1090, SC1091), a `#!` that is not in
/// the first line because of the text before it (SC1128), and Alpine's shell (SC2187).
const NOT_MEANT: [u16; 4] = [1090, 1091, 1128, 2187];

/// The scripts of a Dockerfile as inputs of `ShellCheck`.
pub fn questions(path: &RepoPath, bytes: &[u8], file: &Dockerfile) -> Vec<Question> {
    let variables = Variables::of(file);
    let scripts = shell::scripts(bytes, file).into_iter().filter(|script| !script.is_list);
    scripts.filter_map(|script| question(path, script, &variables)).collect()
}

fn question(path: &RepoPath, script: Script<'_>, variables: &Variables) -> Option<Question> {
    let shell = known(&script.shell.name)?;
    let mut names = variables.names(&script);
    names.extend(PROXIES);
    let names = names.into_iter().filter(|name| is_name(name));
    let mut text: String = names.flat_map(|name| ["export ", name, "=1\n"]).collect();
    if script.shell.options.iter().any(|option| option == "errexit" || is_flag_with(option, 'e')) {
        text.push_str("set -e\n");
    }
    let ahead = text.len();
    text.push_str(&script.source.text);
    Some(Question { path: path.clone(), shell, text, ahead, source: script.source })
}

/// The language of a shell, if `ShellCheck` supports it.
fn known(shell: &str) -> Option<&'static str> {
    Some(match shell {
        "sh" => "sh",
        "bash" => "bash",
        "dash" | "ash" => "dash",
        "ksh" | "ksh93" | "mksh" => "ksh",
        "busybox" => "busybox",
        _ => return None,
    })
}

/// Whether `SHELL` has a flag: `-ec`.
fn is_flag_with(option: &str, letter: char) -> bool {
    option.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter))
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Question {
    /// The comments with their ids and places in the Dockerfile.
    pub fn places(&self, answer: &Answer) -> Vec<(&'static str, Span)> {
        answer.comments.iter().filter_map(|remark| Some((id(remark.code)?, self.place(remark)?))).collect()
    }

    /// The comments without a corresponding rule of skep, as findings; without those that the settings disable.
    pub fn findings(&self, answer: &Answer, settings: &Settings) -> Vec<Diagnostic> {
        let others = answer.comments.iter().filter(|remark| id(remark.code).is_some_and(|id| explain(id).is_none()));
        others.filter_map(|remark| self.finding(remark, settings)).collect()
    }

    fn finding(&self, remark: &Remark, settings: &Settings) -> Option<Diagnostic> {
        let rule = id(remark.code).filter(|_| !NOT_MEANT.contains(&remark.code))?;
        let severity = match settings.levels.get(rule) {
            Some(Level::Off) => return None,
            Some(Level::At(severity)) => *severity,
            Some(Level::On) | None => Severity::named(&remark.level)?,
        };
        let place = Place { path: self.path.clone(), span: self.place(remark)? };
        let message = remark.message.trim_end_matches('.').to_owned();
        let help = format!("https://www.shellcheck.net/wiki/{rule} says more");
        Some(Diagnostic::new(place, message).code(rule).rated(severity).help(help))
    }

    /// The place in the Dockerfile; `None` for the text before the script.
    fn place(&self, remark: &Remark) -> Option<Span> {
        let start = self.offset(remark.line, remark.column)?;
        let end = self.offset(remark.end_line, remark.end_column).unwrap_or(start).max(start);
        Some(self.source.place(&(start..end)))
    }

    /// The byte of the script at a line and a column, both from 1; a column is a character.
    fn offset(&self, line: usize, column: usize) -> Option<usize> {
        let mut begins = std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1));
        let begin = begins.nth(line.checked_sub(1)?)?;
        let rest = self.text[begin..].split('\n').next().unwrap_or_default();
        let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        (begin + within).checked_sub(self.ahead)
    }
}

/// Whether this is a code that `ShellCheck` has or may add.
static IDS: LazyLock<Vec<String>> = LazyLock::new(|| (1000..4000).map(|code| format!("SC{code}")).collect());

fn id(code: u16) -> Option<&'static str> {
    usize::from(code).checked_sub(1000).and_then(|at| IDS.get(at)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "FROM debian:12\nARG version=1\nRUN true && \\\n    # why\n    é=$(ls \"$version\")\n\
                        SHELL [\"/bin/zsh\", \"-c\"]\nRUN a\nSHELL [\"/bin/ash\", \"-c\"]\nRUN b\nRUN [\"c\"]\n";

    fn asked() -> Vec<Question> {
        let file = Dockerfile::parse(TEXT.as_bytes());
        questions(&"Dockerfile".parse().unwrap(), TEXT.as_bytes(), &file)
    }

    fn said(json: &str) -> Answer {
        Answer::read(json.as_bytes()).unwrap()
    }

    #[test]
    fn scripts_of_known_shells_are_asked_about_with_what_is_set() {
        let asked = asked();
        let texts: Vec<_> = asked.iter().map(|one| (one.shell, one.text.split_at(one.ahead))).collect();
        let scripts: Vec<_> = texts.iter().map(|(shell, (_, script))| (*shell, *script)).collect();
        assert_eq!(scripts, [("sh", "true &&     é=$(ls \"$version\")"), ("dash", "b")]);
        assert!(texts.iter().all(|(_, (ahead, _))| ahead.contains("export version=1\n") && ahead.ends_with('\n')));
    }

    #[test]
    fn what_is_said_is_placed_in_the_dockerfile() {
        let answer = said(
            r#"{"comments": [
            {"file": "-", "line": 12, "endLine": 12, "column": 15, "endColumn": 32, "level": "warning", "code": 2034, "message": "It appears unused.", "fix": null},
            {"file": "-", "line": 1, "endLine": 1, "column": 1, "endColumn": 2, "level": "info", "code": 2999, "message": "m", "fix": null},
            {"file": "-", "line": 12, "endLine": 12, "column": 1, "endColumn": 2, "level": "info", "code": 2086, "message": "m", "fix": null},
            {"file": "-", "line": 12, "endLine": 12, "column": 1, "endColumn": 2, "level": "info", "code": 1091, "message": "m", "fix": null}]}"#,
        );
        let question = &asked()[0];
        let findings = question.findings(&answer, &Settings::default());
        let shown: Vec<_> =
            findings.iter().map(|one| (one.id(), one.severity, &TEXT[one.place.span.clone()])).collect();
        assert_eq!(shown, [("SC2034", Severity::Warning, "$(ls \"$version\")")]);
        assert_eq!(findings[0].message, "It appears unused");
        let mut settings = Settings::default();
        settings.levels.insert("SC2034".to_owned(), Level::Off);
        assert!(question.findings(&answer, &settings).is_empty());
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(Answer::read(b"shellcheck: unknown option").is_err());
    }
}
