use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::rules::shell::{splits, values};
use crate::lint::shell::{Expansion, ExpansionKind, Script, Variables};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A variable is not in double quotes.
    ///
    /// A shell splits its value at spaces, and expands `*` and `?` in it: one argument may become several, or a different
    /// one. Variables that certainly contain one word, such as those of `ENV` and `ARG`, are not reported.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN FILES="$(ls)" && cp $FILES /data
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// ARG VERSION
    /// RUN FILES="$(ls)" && cp "$FILES" /data/$VERSION
    /// ```
    "SC2086", Info, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let variables = Variables::of(subject.file);
    // The Z shell does not split expansions.
    let scripts = shell_scripts(subject).filter(|script| script.shell.name != "zsh");
    scripts.flat_map(|script| unquoted(script, &variables)).collect()
}

fn unquoted<'a>(script: &'a Script<'a>, variables: &'a Variables) -> Vec<Found> {
    let single = values::single_words(script, variables);
    let splits = |(_, expansion): &(usize, &Expansion)| is_split(script, expansion);
    let expansions = script.code.expansions.iter().enumerate().filter(splits);
    expansions.filter(|(index, _)| !single.contains(index)).map(|(_, expansion)| found(script, expansion)).collect()
}

fn is_split(script: &Script<'_>, expansion: &Expansion) -> bool {
    let ExpansionKind::Parameter(name, operation) = &expansion.kind else { return false };
    let is_one_word = ["#", "?", "!", "$", "-", "@"].contains(&name.as_str()) || name.starts_with(['#', '!']);
    let is_asked = !is_one_word && is_default(operation) && !operation.starts_with("[@]");
    is_asked && splits::is_split(script, expansion) && !only_sets(script, expansion, operation)
}

/// Whether the expansion only sets the variable: `: ${name:=value}`.
fn only_sets(script: &Script<'_>, expansion: &Expansion, operation: &str) -> bool {
    let command = expansion.command.map(|command| &script.commands()[command]);
    operation.trim_start_matches(':').starts_with('=') && command.is_some_and(|command| command.is(&[":"]))
}

/// Whether the operation may yield the value itself, as `:-` does and `+` does not.
fn is_default(operation: &str) -> bool {
    !operation.starts_with(":+") && !operation.starts_with('+')
}

fn found(script: &Script<'_>, expansion: &Expansion) -> Found {
    let text = script.text(&expansion.span);
    Found::new(&script.place(&expansion.span), format!("`{}` is split at spaces", text::cut(text)))
        .help(format!("write `\"{}\"`", text::cut(text)))
}
