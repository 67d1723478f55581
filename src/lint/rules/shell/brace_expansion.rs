use crate::diagnostic::Span;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::rules::shell::globs;
use crate::lint::shell::{PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `{a,b}` is used, which `sh` does not support.
    ///
    /// Only Bash and similar shells expand it to several words. `sh`, the default shell of `RUN`, takes it
    /// literally: `mkdir -p /x/{a,b}` creates one folder.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN mkdir -p /data/{in,out}
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN mkdir -p /data/in /data/out
    /// ```
    "SC3009", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).filter(|script| script.shell.is_posix()).flat_map(braces).collect()
}

fn braces<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let literal = globs::unquoted(script);
    let spans = literal.into_iter().filter(|word| word.parts.iter().any(|part| script.text(&part.span).contains('{')));
    spans.filter_map(|word| expansion(script, word)).map(|span| {
        Found::new(&script.place(&span), "`sh` does not expand this to several words").help("write the words out")
    })
}

/// The span of braces that contain a comma or `..`, outside of quotes.
fn expansion(script: &Script<'_>, word: &Word) -> Option<Span> {
    let mut open = None;
    let mut separated = false;
    for part in &word.parts {
        let is_plain = part.kind == PartKind::Literal && !part.quoted;
        let text = if is_plain { script.text(&part.span) } else { "" };
        for (index, byte) in text.bytes().enumerate() {
            let at = part.span.start + index;
            match byte {
                b'{' => (open, separated) = (Some(at), false),
                b',' => separated = true,
                b'.' => separated |= text[index..].starts_with(".."),
                b'}' if separated && open.is_some() => return open.map(|open| open..at + 1),
                b'}' => open = None,
                _ => {}
            }
        }
    }
    None
}
