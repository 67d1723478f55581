//! The variables of a Dockerfile's stages.

use std::collections::BTreeMap;

use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword, Stage};
use crate::lint::shell::Script;

/// What `ENV` and `ARG` set in each stage; a stage has what the stage had that it is built on. What stands behind `ONBUILD` is set
/// where other images are built, for what stands there behind `ONBUILD`, too.
pub(in crate::lint) struct Variables {
    stages: Vec<Vec<Variable>>,
}

/// A variable.
#[derive(Clone)]
struct Variable {
    name: String,
    value: String,
    /// Where it is set; at the begin of the file if an earlier stage set it.
    at: usize,
    is_environment: bool,
    /// Whether it stands behind `ONBUILD`.
    on_build: bool,
}

impl Variables {
    /// Those of a file.
    pub(in crate::lint) fn of(file: &Dockerfile) -> Self {
        let mut stages: Vec<Vec<Variable>> = Vec::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for stage in file.stages() {
            let base = stage.image().map(|word| word.text.to_ascii_lowercase());
            let base = base.and_then(|image| names.get(&image)).map(|&base| inherited(&stages[base]));
            let mut variables = base.unwrap_or_default();
            variables.extend(own(stage));
            names.extend(stage.name().map(|name| (name.text.to_ascii_lowercase(), stage.index)));
            stages.push(variables);
        }
        Self { stages }
    }

    /// The value that a variable of the environment has in a script.
    pub(in crate::lint) fn value(&self, script: &Script<'_>, name: &str) -> Option<&str> {
        let variables = self.before(script).filter(|variable| variable.is_environment);
        variables.filter(|variable| variable.name == name).last().map(|variable| variable.value.as_str())
    }

    /// The names that are set in a script.
    pub(in crate::lint) fn names(&self, script: &Script<'_>) -> impl Iterator<Item = &str> {
        self.before(script).map(|variable| variable.name.as_str())
    }

    fn before(&self, script: &Script<'_>) -> impl Iterator<Item = &Variable> {
        let (at, on_build) = (script.instruction.span.start, script.instruction.on_build);
        let stage = self.stages.get(script.stage).map_or(&[][..], Vec::as_slice);
        stage.iter().filter(move |variable| variable.at <= at && (on_build || !variable.on_build))
    }
}

fn inherited(variables: &[Variable]) -> Vec<Variable> {
    let environment = variables.iter().filter(|variable| variable.is_environment);
    environment.map(|variable| Variable { at: 0, on_build: false, ..variable.clone() }).collect()
}

fn own(stage: Stage<'_>) -> Vec<Variable> {
    stage
        .instructions
        .iter()
        .filter(|instruction| matches!(instruction.keyword, Keyword::Env | Keyword::Arg))
        .flat_map(set)
        .collect()
}

fn set(instruction: &Instruction) -> Vec<Variable> {
    let is_environment = instruction.keyword == Keyword::Env;
    let variable = |name: &str, value: &str| Variable {
        name: name.to_owned(),
        value: value.to_owned(),
        at: instruction.span.start,
        is_environment,
        on_build: instruction.on_build,
    };
    match instruction.words() {
        [name, value, ..] if is_environment && !name.text.contains('=') => vec![variable(&name.text, &value.text)],
        words => words
            .iter()
            .map(|word| word.text.split_once('=').unwrap_or((&word.text, "")))
            .map(|(name, value)| variable(name, value))
            .collect(),
    }
}
