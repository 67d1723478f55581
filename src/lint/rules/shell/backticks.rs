use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{Expansion, ExpansionKind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Backticks are used instead of `$(…)`.
    ///
    /// In backticks a backslash means something else, and they cannot be nested without more of them. The fix leaves alone what
    /// has a backslash, a comment, a document or a `case` in it, which `$(…)` may read in another way.
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
    // In backticks alone a comment can stand in the middle of a line.
    let is_old = |kind: &ExpansionKind| matches!(kind, ExpansionKind::Backticks(list) if !list.pipelines.is_empty());
    let old = script.code.expansions.iter().filter(move |expansion| is_old(&expansion.kind));
    old.map(|expansion| {
        let found = Found::new(&script.place(&expansion.span), "backticks are the old form").help("write `$(…)`");
        found.fix(fix(script, expansion))
    })
}

/// The same as `$(…)`, where it surely is the same.
fn fix(script: &Script<'_>, expansion: &Expansion) -> Option<Fix> {
    let (start, end) = (expansion.span.start, expansion.span.end);
    let inside = script.text(&(start + 1..end - 1));
    let is_read_alike = !inside.contains(['\\', '#', '`']) && !inside.contains("<<") && !inside.contains("esac");
    // In double quotes, shells do not agree on what a quote inside of backticks does.
    let is_quoted_alike = !expansion.quoted || !inside.contains(['"', '\'']);
    // `$((` begins arithmetic, and `$$` is a number.
    let is_alone = !inside.starts_with('(') && !script.text(&(0..start)).ends_with('$');
    (is_read_alike && is_quoted_alike && is_alone).then(|| {
        let place = |at: usize| script.place(&(at..at + 1));
        Fix::safe("write `$(…)`").replace(&place(start), "$(").replace(&place(end - 1), ")")
    })
}
