use std::collections::BTreeSet;

use crate::diagnostic::suggest;
use crate::lint::dockerfile::scope::Base;
use crate::lint::dockerfile::variable::{Variable, variables};
use crate::lint::dockerfile::{Instruction, Keyword, Stage, Word};
use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A variable is not set where it is used.
    ///
    /// It is then silently empty. An `ARG` before the first `FROM`, or in another stage, must be
    /// repeated in the stage that uses it. Variables that the base image may set are not reported. BuildKit:
    /// `UndefinedVar`.
    ///
    /// ```dockerfile bad
    /// ARG VERSION=1
    /// FROM node:22
    /// ENV APP_VERSION=$VERSION
    /// ```
    ///
    /// ```dockerfile good
    /// ARG VERSION=1
    /// FROM node:22
    /// ARG VERSION
    /// ENV APP_VERSION=$VERSION NODE=$NODE_VERSION PATH=$PATH:/app/bin MODE=${MODE:-production}
    /// ```
    "SK5017", Warning, Dockerfile(check)
}

/// The instructions in which Docker replaces variables.
const FILLED: [Keyword; 9] = [
    Keyword::Add,
    Keyword::Arg,
    Keyword::Copy,
    Keyword::Env,
    Keyword::Label,
    Keyword::Stopsignal,
    Keyword::User,
    Keyword::Volume,
    Keyword::Workdir,
];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let stages = subject.file.stages();
    let used = stages.flat_map(|stage| filled(stage).map(move |instruction| (stage, instruction)));
    used.flat_map(|(stage, instruction)| undefined(stage, instruction, subject)).take(MAX_FOUND + 1).collect()
}

fn filled(stage: Stage<'_>) -> impl Iterator<Item = &'_ Instruction> {
    stage.instructions.iter().filter(|one| FILLED.contains(&one.keyword) && !one.on_build)
}

/// The words and flag values of an instruction, except `--from`, which does not support variables.
fn words(instruction: &Instruction) -> impl Iterator<Item = &'_ Word> {
    let flags = instruction.flags.iter().filter(|flag| flag.name != "from").filter_map(|flag| flag.value.as_ref());
    instruction.words().iter().chain(instruction.argument()).chain(flags)
}

fn undefined(stage: Stage<'_>, instruction: &Instruction, subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let set_here: BTreeSet<String> =
        instruction.pairs().into_iter().map(|pair| pair.name.unquoted().to_owned()).collect();
    for word in words(instruction) {
        for variable in variables(&word.text, subject.file.escape) {
            if found.len() <= MAX_FOUND
                && !set_here.contains(variable.name)
                && is_undefined(stage, instruction, &variable, subject)
            {
                found.push(told(stage, word, &variable, subject));
            }
        }
    }
    found
}

/// Whether a variable is unset. The base image may set variables that the Dockerfile does not mention; an `ENV` that uses its own variables has its own rule.
fn is_undefined(
    stage: Stage<'_>,
    instruction: &Instruction,
    variable: &Variable<'_>,
    subject: &DockerfileSubject<'_>,
) -> bool {
    let scopes = &subject.file.scopes;
    let name = variable.name;
    let somewhere = || scopes.is_named_anywhere(name) || scopes.root(stage.index) == Base::Scratch;
    name != "PATH"
        && !variable.minds_unset()
        && scopes.value(stage.index, instruction.span.start, name).is_none()
        && somewhere()
}

fn told(stage: Stage<'_>, word: &Word, variable: &Variable<'_>, subject: &DockerfileSubject<'_>) -> Found {
    let name = text::cut(variable.name);
    let help = suggest::did_you_mean(variable.name, subject.file.scopes.names(stage.index))
        .unwrap_or_else(|| format!("add `ARG {name}` to the stage, before this"));
    Found::new(&word.part(variable.range.clone()), format!("`{name}` is not set in this stage, so it is empty"))
        .help(help)
}
