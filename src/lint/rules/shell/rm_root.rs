use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, each_shell};
use crate::lint::shell::{ExpansionKind, PartKind, Script, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `rm -r` of a variable followed by `/` removes everything if the variable is empty.
    ///
    /// With an empty `$dir`, `rm -rf "$dir/"*` means `/*`. `"${dir:?}/"` ends the script instead.
    ///
    /// ```dockerfile bad
    /// ARG dir
    /// RUN rm -rf "$dir/"*
    /// ```
    ///
    /// ```dockerfile good
    /// ARG dir
    /// RUN rm -rf "${dir:?}/"*
    /// ```
    "SC2115", Warning, Dockerfile(check), OfShell
}

/// Essential system folders.
const IMPORTANT: [&str; 14] = [
    "",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/usr",
    "/usr/bin",
    "/usr/local",
    "/usr/share",
    "/var",
    "/sbin",
    "/lib64",
];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let is_recursive = command.has_flag("recursive", 'r') || command.has_flag("recursive", 'R');
        let words = command.arguments().iter().filter(|_| command.is_in_any_folder("rm") && is_recursive);
        words
            .filter(|word| is_dangerous(script, word))
            .map(|word| at(script, word, "this is a system folder if the variable is empty").help("write `${name:?}`"))
            .collect()
    })
}

/// Whether a word is one of these folders if its variables are empty.
fn is_dangerous(script: &Script<'_>, word: &Word) -> bool {
    let mut path = String::new();
    for part in &word.parts {
        match part.kind {
            PartKind::Expansion(index) if is_guarded(&script.code.expansions[index].kind) => return false,
            PartKind::Expansion(_) => {}
            _ => path.push_str(script.text(&part.span).trim_matches('\'')),
        }
    }
    let folder = path.trim_end_matches(['/', '*']).replace("//", "/");
    word.has_expansion() && path.starts_with('/') && IMPORTANT.contains(&folder.as_str())
}

/// Whether the expansion is never empty: `${name:?}`, `${name:-default}`.
fn is_guarded(kind: &ExpansionKind) -> bool {
    matches!(kind, ExpansionKind::Parameter(_, operation) if operation.starts_with([':', '?', '-', '=']))
}
