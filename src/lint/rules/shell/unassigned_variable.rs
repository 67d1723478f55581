use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::rules::shell::values;
use crate::lint::shell::{Expansion, ExpansionKind, Script, Variables};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A variable is used but never set.
    ///
    /// It is empty. Neither the script nor an `ENV` or `ARG` of the stage sets it; names in upper case, which the base image
    /// may set, are not checked.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN echo "version $version" > /version
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// ARG version
    /// RUN echo "version $version" > /version
    /// ```
    "SC2154", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let variables = Variables::of(subject.file);
    shell_scripts(subject).flat_map(|script| unassigned(script, &variables)).collect()
}

fn unassigned(script: &Script<'_>, variables: &Variables) -> Vec<Found> {
    let mut known = values::assigned(script);
    known.extend(values::asked(script));
    let mut found = Vec::new();
    for expansion in &script.code.expansions {
        if let Some(name) = name(expansion).filter(|name| !variables.has(script, name) && known.insert(name)) {
            let message = format!("`{}` is never set", text::cut(name));
            found.push(Found::new(&script.place(&expansion.span), message).help("set it, or declare it with `ARG`"));
        }
    }
    found
}

/// The name of the variable, unless it is in upper case.
fn name(expansion: &Expansion) -> Option<&str> {
    let ExpansionKind::Parameter(name, _) = &expansion.kind else { return None };
    let name = name.trim_start_matches('#');
    let is_own = name.contains(|c: char| c.is_ascii_lowercase())
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_proxy = name.ends_with("_proxy");
    (is_own && !is_proxy).then_some(name)
}
