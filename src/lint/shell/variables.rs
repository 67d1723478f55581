//! The variables of a Dockerfile's stages.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword, Stage};
use crate::lint::shell::Script;

/// How many stages are looked through for a name, each built on the next: nobody builds on more.
const MAX_DEPTH: usize = 32;

/// What `ENV` and `ARG` set in each stage; a stage has what the stage had that it is built on. What stands after `ONBUILD` is set
/// where other images are built, for what stands there after `ONBUILD`.
pub(in crate::lint) struct Variables {
    stages: Vec<Scope>,
}

/// What a stage sets.
struct Scope {
    /// The stage that it is built on.
    base: Option<usize>,
    /// By name, in the order of the file.
    own: BTreeMap<String, Vec<Variable>>,
}

/// A variable.
struct Variable {
    value: String,
    /// Where it is set.
    at: usize,
    is_environment: bool,
    /// Whether it stands after `ONBUILD`.
    on_build: bool,
}

impl Variables {
    /// Those of a file.
    pub(in crate::lint) fn of(file: &Dockerfile) -> Self {
        let mut stages = Vec::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for stage in file.stages() {
            let base = stage.image().and_then(|image| names.get(&image.text.to_ascii_lowercase()).copied());
            stages.push(Scope { base, own: own(stage) });
            names.extend(stage.name().map(|name| (name.text.to_ascii_lowercase(), stage.index)));
        }
        Self { stages }
    }

    /// The value that a variable of the environment has in a script.
    pub(in crate::lint) fn value(&self, script: &Script<'_>, name: &str) -> Option<&str> {
        let scope = self.stages.get(script.stage)?;
        let own = scope.before(script, name).find(|variable| variable.is_environment);
        let found = own.or_else(|| self.inherited(scope, name).next());
        found.map(|variable| variable.value.as_str())
    }

    /// Whether a name is set in a script.
    pub(in crate::lint) fn has(&self, script: &Script<'_>, name: &str) -> bool {
        let Some(scope) = self.stages.get(script.stage) else { return false };
        scope.before(script, name).next().is_some() || self.inherited(scope, name).next().is_some()
    }

    /// The names that are set in a script.
    pub(in crate::lint) fn names(&self, script: &Script<'_>) -> BTreeSet<&str> {
        let base = |stage: &usize| self.stages.get(*stage).and_then(|scope| scope.base);
        let chain = std::iter::successors(Some(script.stage), base).take(MAX_DEPTH + 1);
        let names = chain.filter_map(|stage| self.stages.get(stage)).flat_map(|scope| scope.own.keys());
        names.map(String::as_str).filter(|name| self.has(script, name)).collect()
    }

    /// What the stages below a stage say of a name, the nearest first.
    fn inherited<'a, 'n>(
        &'a self,
        scope: &'a Scope,
        name: &'n str,
    ) -> impl Iterator<Item = &'a Variable> + use<'a, 'n> {
        let below = |scope: &Scope| scope.base.and_then(|base| self.stages.get(base));
        let bases = std::iter::successors(below(scope), move |scope| below(scope)).take(MAX_DEPTH);
        bases
            .flat_map(move |scope| scope.own.get(name).into_iter().flatten().rev())
            .filter(|variable| variable.is_environment)
    }
}

impl Scope {
    /// What is said of a name before a script, the last first.
    fn before<'a>(&'a self, script: &Script<'_>, name: &str) -> impl Iterator<Item = &'a Variable> + use<'a> {
        let (at, on_build) = (script.instruction.span.start, script.instruction.on_build);
        let said = self.own.get(name).map_or(&[][..], Vec::as_slice);
        let before = &said[..said.partition_point(|variable| variable.at <= at)];
        before.iter().rev().filter(move |variable| on_build || !variable.on_build)
    }
}

fn own(stage: Stage<'_>) -> BTreeMap<String, Vec<Variable>> {
    let mut own: BTreeMap<String, Vec<Variable>> = BTreeMap::new();
    let set = stage.instructions.iter().filter(|one| matches!(one.keyword, Keyword::Env | Keyword::Arg)).flat_map(set);
    for (name, variable) in set {
        own.entry(name).or_default().push(variable);
    }
    own
}

fn set(instruction: &Instruction) -> Vec<(String, Variable)> {
    let is_environment = instruction.keyword == Keyword::Env;
    let variable = |name: &str, value: &str| {
        let (value, at, on_build) = (value.to_owned(), instruction.span.start, instruction.on_build);
        (name.to_owned(), Variable { value, at, is_environment, on_build })
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
