use std::collections::BTreeSet;

use crate::lint::dockerfile::{Instruction, Keyword, Stage, variable};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `ENV` uses a variable that the same `ENV` sets.
    ///
    /// All values of one instruction are evaluated before any of them is set, so the variable is still empty or has the
    /// value of the base image.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// ENV HOME=/app BIN=$HOME/bin
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// ENV HOME=/app
    /// ENV BIN=$HOME/bin PATH=$PATH:/app/bin
    /// ```
    "DL3044", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let instructions = subject.file.stages().flat_map(|stage| stage.of(Keyword::Env).map(move |env| (stage, env)));
    instructions.flat_map(|(stage, env)| uses(stage, env, subject)).collect()
}

fn uses(stage: Stage<'_>, env: &Instruction, subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let pairs = env.pairs();
    let is_new = |name: &&str| subject.file.scopes.value(stage.index, env.span.start, name).is_none();
    let set: BTreeSet<&str> = pairs.iter().map(|pair| pair.name.unquoted()).filter(is_new).collect();
    let mut found = Vec::new();
    let mut before = BTreeSet::new();
    for pair in &pairs {
        let is_again = !before.insert(pair.name.unquoted());
        let Some(value) = &pair.value else { continue };
        for variable in variable::variables(&value.text, subject.file.escape) {
            let is_other = variable.name != pair.name.unquoted() || is_again;
            if is_other && set.contains(variable.name) && !variable.minds_unset() {
                found.push(too_early(variable.name, &value.part(variable.range)));
            }
        }
    }
    found
}

fn too_early(name: &str, span: &crate::diagnostic::Span) -> Found {
    Found::new(span, format!("`{}` is only set by this same `ENV`, and not available here yet", text::cut(name)))
        .help(format!("set `{}` in a separate `ENV` before this one", text::cut(name)))
}
