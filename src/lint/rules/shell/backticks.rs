use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{Expansion, ExpansionKind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Backticks are used instead of `$(…)`.
    ///
    /// Backslashes have another meaning in backticks, and nesting them needs escapes. The fix skips commands
    /// with a backslash, a comment, a here-document or a `case`, which may mean something else in `$(…)`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN KERNEL=`uname -r` && echo "$KERNEL"
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN KERNEL=$(uname -r) && echo "$KERNEL"
    /// ```
    "SC2006", Style, Dockerfile(check), OfShell, Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(backticks).collect()
}

fn backticks<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    // Only in backticks can a comment end in the middle of a line.
    let is_old = |kind: &ExpansionKind| matches!(kind, ExpansionKind::Backticks(list) if !list.pipelines.is_empty());
    let old = script.code.expansions.iter().filter(move |expansion| is_old(&expansion.kind));
    old.map(|expansion| {
        let found = Found::new(&script.place(&expansion.span), "backticks are the old form").help("write `$(…)`");
        found.fix(fix(script, expansion))
    })
}

/// A fix that writes `$(…)`, if the meaning certainly stays the same.
fn fix(script: &Script<'_>, expansion: &Expansion) -> Option<Fix> {
    let (start, end) = (expansion.span.start, expansion.span.end);
    let inside = script.text(&(start + 1..end - 1));
    let is_read_alike = !inside.contains(['\\', '#', '`']) && !inside.contains("<<") && !inside.contains("esac");
    // Shells disagree about quotes in backticks inside double quotes.
    let is_quoted_alike = !expansion.quoted || !inside.contains(['"', '\'']);
    // `$((` would begin arithmetic, and `$$` is the process id.
    let is_alone = !inside.starts_with('(') && !script.text(&(0..start)).ends_with('$');
    (is_read_alike && is_quoted_alike && is_alone).then(|| {
        let place = |at: usize| script.place(&(at..at + 1));
        Fix::safe("write `$(…)`").replace(&place(start), "$(").replace(&place(end - 1), ")")
    })
}
