use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::rules::shell::{splits, values};
use crate::lint::shell::{Expansion, ExpansionKind, Script, Variables};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A variable is not in double quotes.
    ///
    /// A shell splits its value at blanks, and takes `*` and `?` in it as patterns: one argument becomes several, or
    /// other ones. Variables that surely hold one word, such as those of `ENV` and `ARG`, are not meant.
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
    // The Z shell does not split what it fills in.
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

/// `: ${name:=value}` is there to set the variable.
fn only_sets(script: &Script<'_>, expansion: &Expansion, operation: &str) -> bool {
    let command = expansion.command.map(|command| &script.commands()[command]);
    operation.trim_start_matches(':').starts_with('=') && command.is_some_and(|command| command.is(&[":"]))
}

/// `:-` and the like may give the value itself; `+` never does.
fn is_default(operation: &str) -> bool {
    !operation.starts_with(":+") && !operation.starts_with('+')
}

fn found(script: &Script<'_>, expansion: &Expansion) -> Found {
    let text = script.text(&expansion.span);
    Found::new(&script.place(&expansion.span), format!("`{}` is split at its blanks", text::cut(text)))
        .help(format!("write `\"{}\"`", text::cut(text)))
}
