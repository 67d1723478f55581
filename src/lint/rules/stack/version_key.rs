use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Spanned;

rule! {
    /// `version` no longer has a meaning.
    ///
    /// Compose and skep ignore it. A matter of style, and off by default, because `docker stack deploy` still
    /// reads it.
    ///
    /// ```yaml bad
    /// version: "3.8"
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    "SK7002", Style, Stack(check), Off, Fixes
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let version = subject.file.version.as_ref();
    version
        .map(|version| {
            Found::new(&version.span, "`version` no longer has a meaning")
                .help("remove the line")
                .fix(fix(version, subject))
        })
        .into_iter()
        .collect()
}

/// A fix that removes the whole line, if nothing else is on it.
fn fix(version: &Spanned<String>, subject: &StackSubject<'_>) -> Option<Fix> {
    let (key, value) = subject.file.tree.entry("version")?;
    let before = subject.file.sources.text(&(key.span.start.saturating_sub(1)..key.span.start));
    let begins = key.span.start == 0 || before == b"\n";
    let behind = subject.file.sources.text(&(value.span.end..value.span.end + 1));
    let ends = behind == b"\n";
    (begins && ends && value.span == version.span)
        .then(|| Fix::safe("remove the line").delete(&(key.span.start..value.span.end + 1)))
}
