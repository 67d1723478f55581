use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::each_shell;
use crate::lint::shell::{Part, PartKind, Script};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A variable is in single quotes.
    ///
    /// In single quotes nothing is replaced, and the dollar sign is literal. Scripts for other programs, such as
    /// `awk` or `sh -c`, are not reported.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN echo 'built by $USER' > /about
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN echo "built by $USER" > /about
    /// RUN sed -i 's/\(name\)/${\1}/' /about
    /// ```
    "SC2016", Info, Dockerfile(check), OfShell
}

/// Programs that expand variables themselves.
const OTHERS: [&str; 26] = [
    "trap",
    "sh",
    "bash",
    "dash",
    "ash",
    "ksh",
    "zsh",
    "busybox",
    "ssh",
    "eval",
    "xprop",
    "alias",
    "sudo",
    "doas",
    "run0",
    "docker",
    "podman",
    "oc",
    "dpkg-query",
    "jq",
    "rename",
    "rg",
    "unset",
    "find",
    "git",
    "envsubst",
];

/// Variables of a shell's prompt, which are expanded later.
const PROMPTS: [&str; 5] = ["PS1", "PS2", "PS3", "PS4", "PROMPT_COMMAND"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let words = command.words.iter().filter(|_| !is_read_elsewhere(command.name()));
        let values = command.assignments.iter().filter(|assigned| !PROMPTS.contains(&assigned.name.as_str()));
        let values = values.map(|assigned| &assigned.value);
        let is_sed = command.is(&["sed"]);
        words
            .chain(values)
            .flat_map(|word| &word.parts)
            .filter(|part| is_meant(script, part, is_sed))
            .map(|part| {
                Found::new(&script.place(&part.span), "nothing is replaced in single quotes").help("use double quotes")
            })
            .collect()
    })
}

fn is_read_elsewhere(program: &str) -> bool {
    OTHERS.contains(&program) || program.ends_with("awk") || program.starts_with("perl")
}

fn is_meant(script: &Script<'_>, part: &Part, is_sed: bool) -> bool {
    let text = script.text(&part.span);
    part.kind == PartKind::Single && if is_sed { has_variable_for_sed(text) } else { has_variable(text) }
}

/// Whether a text for `sed` contains a variable; `$` followed by a command or the end of an expression is the end of a line.
fn has_variable_for_sed(text: &str) -> bool {
    let is_of_sed = |rest: &str| {
        let mut letters = rest.chars();
        let begins = letters.next().is_some_and(|c| "{dpsaic".contains(c));
        begins && !letters.next().is_some_and(|c| c.is_ascii_alphabetic())
    };
    has_variable(text) && !text.split('$').skip(1).any(is_of_sed)
}

/// Whether a text contains `$name`, `${`, `$(` or two backticks.
fn has_variable(text: &str) -> bool {
    let is_one = |rest: &str| rest.starts_with(|c: char| "{(_".contains(c) || c.is_ascii_alphanumeric());
    let backticks = text.split('`').skip(1).step_by(2).any(|inside| !inside.is_empty());
    text.split('$').skip(1).any(is_one) || backticks && text.matches('`').count() > 1
}
