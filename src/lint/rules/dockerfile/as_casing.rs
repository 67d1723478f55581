use crate::diagnostic::Fix;
use crate::lint::dockerfile::{Stage, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `AS` and its `FROM` differ in case.
    ///
    /// Write both in upper case or both in lower case for readability. BuildKit: `FromAsCasing`.
    ///
    /// ```dockerfile bad
    /// FROM node:22 as build
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS build
    /// from nginx:1.27 as web
    /// ```
    "SK5011", Style, Dockerfile(check), Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.stages().filter_map(differs).collect()
}

fn differs(stage: Stage<'_>) -> Option<Found> {
    let [_, word, _] = stage.from()?.words() else { return None };
    let wanted = like(word, &stage.from()?.keyword_text)?;
    (word.text != wanted).then(|| {
        Found::new(&word.span, format!("`{}` and its `FROM` differ in case", word.text))
            .help(format!("write `{wanted}`"))
            .fix(Fix::safe(format!("write `{wanted}`")).replace(&word.span, wanted))
    })
}

/// `AS` in the case of `FROM`; `None` for mixed case, which another rule reports.
fn like(word: &Word, from: &str) -> Option<&'static str> {
    let is_as = word.text.eq_ignore_ascii_case("as");
    match from {
        "FROM" if is_as => Some("AS"),
        "from" if is_as => Some("as"),
        _ => None,
    }
}
