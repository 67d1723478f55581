//! What variables are, where: the arguments before the first `FROM`, and those and the environment of each stage.
//!
//! A stage sees what it says itself before, and what the stage that it is built on said; an argument from before the first
//! `FROM` only after an `ARG` that names it again. What an image brings along is not known.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword, Pair, Stage, variable};

/// The arguments that are there before the first `FROM` without being declared.
pub const PLATFORM: [&str; 11] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// How many stages are looked through for a name, each built on the next: nobody builds on more.
const MAX_DEPTH: usize = 32;
/// Longer values are not worked out: each could be twice the one before.
const MAX_VALUE: usize = 4096;
/// Bytes of all values that are kept; those after them are not worked out.
const MAX_VALUES: usize = 1 << 20;

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// It is this.
    Fixed(String),
    /// It is this, if the build is not told otherwise.
    Default(String),
    /// Nobody knows before the build.
    Open,
}

/// What a stage is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// An earlier stage, by its number.
    Stage(usize),
    /// Nothing.
    Scratch,
    /// An image, whose environment is not known.
    Image,
}

impl Base {
    /// The number of the stage, if it is one.
    pub fn stage(self) -> Option<usize> {
        if let Self::Stage(stage) = self { Some(stage) } else { None }
    }
}

/// The variables of a Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    escape: char,
    globals: BTreeMap<String, Value>,
    stages: Vec<Scope>,
    /// Every name that is declared in some stage.
    names: BTreeSet<String>,
    /// Bytes of the values that are kept.
    kept: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope {
    base: Base,
    /// What it is built on in the end.
    root: Base,
    /// What each name is from which place of the file on.
    names: BTreeMap<String, Vec<(usize, Value)>>,
}

impl Scopes {
    /// Reads a file once.
    pub(super) fn of(file: &Dockerfile) -> Self {
        let mut scopes = Self { escape: file.escape, ..Self::default() };
        for pair in file.preamble().iter().filter(|one| one.keyword == Keyword::Arg).flat_map(Instruction::pairs) {
            let value = scopes.argument(None, usize::MAX, &pair);
            let value = scopes.keep(value);
            scopes.globals.insert(pair.name.text, value);
        }
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for stage in file.stages() {
            let base = scopes.found_base(stage, &names);
            scopes.stages.push(Scope { base, root: scopes.root_of(base), names: BTreeMap::new() });
            scopes.read(stage);
            names.extend(stage.name().map(|name| (name.text.to_ascii_lowercase(), stage.index)));
        }
        scopes
    }

    /// What a stage is built on.
    pub fn base(&self, stage: usize) -> Base {
        self.stages.get(stage).map_or(Base::Image, |scope| scope.base)
    }

    /// What a stage is built on in the end: an image, or nothing.
    pub fn root(&self, stage: usize) -> Base {
        self.stages.get(stage).map_or(Base::Image, |scope| scope.root)
    }

    /// Whether a name is declared before the first `FROM`, or is there by itself.
    pub fn is_global(&self, name: &str) -> bool {
        self.globals.contains_key(name) || PLATFORM.contains(&name)
    }

    /// The names that are declared before the first `FROM`.
    pub fn globals(&self) -> impl Iterator<Item = &str> {
        self.globals.keys().map(String::as_str)
    }

    /// Whether the Dockerfile says anything about a name in any stage.
    pub fn is_named_anywhere(&self, name: &str) -> bool {
        self.globals.contains_key(name) || self.names.contains(name)
    }

    /// The names that a stage itself declares anywhere.
    pub fn names(&self, stage: usize) -> impl Iterator<Item = &str> {
        self.stages.get(stage).into_iter().flat_map(|scope| scope.names.keys()).map(String::as_str)
    }

    /// What a name is for an instruction of a stage; none if the Dockerfile does not say.
    pub fn value(&self, stage: usize, at: usize, name: &str) -> Option<&Value> {
        let mut scope = self.stages.get(stage)?;
        let mut at = at;
        for _ in 0..MAX_DEPTH {
            let said = scope.names.get(name).map(|values| (values, values.partition_point(|&(from, _)| from < at)));
            if let Some((values, count)) = said.filter(|&(_, count)| count > 0) {
                return Some(&values[count - 1].1);
            }
            let Base::Stage(base) = scope.base else { return None };
            (scope, at) = (&self.stages[base], usize::MAX);
        }
        Some(&Value::Open)
    }

    /// A word of an instruction with its variables filled in, if it surely is that.
    pub fn surely(&self, stage: usize, at: usize, text: &str) -> Option<String> {
        self.expand(text, &|name| match self.value(stage, at, name)? {
            Value::Fixed(value) => Some(Some(value)),
            Value::Default(_) | Value::Open => None,
        })
    }

    /// A word of an instruction with its variables filled in, as it is if the build is not told otherwise.
    pub fn by_default(&self, stage: usize, at: usize, text: &str) -> Option<String> {
        self.expand(text, &|name| match self.value(stage, at, name)? {
            Value::Fixed(value) | Value::Default(value) => Some(Some(value)),
            Value::Open => None,
        })
    }

    /// A word of a `FROM` with its variables filled in, as it is if the build is not told otherwise: an argument without a
    /// default is empty then.
    pub fn of_from(&self, text: &str) -> Option<String> {
        self.expand(text, &|name| match self.globals.get(name) {
            Some(Value::Fixed(value) | Value::Default(value)) => Some(Some(value.as_str())),
            Some(Value::Open) | None if PLATFORM.contains(&name) => None,
            Some(Value::Open) | None => Some(None),
        })
    }

    fn expand<'v>(&self, text: &str, value: &impl Fn(&str) -> Option<Option<&'v str>>) -> Option<String> {
        variable::expand(text, self.escape, MAX_VALUE, value)
    }

    /// The value as it is kept.
    fn keep(&mut self, value: Value) -> Value {
        let (Value::Fixed(text) | Value::Default(text)) = &value else { return value };
        self.kept += text.len();
        if self.kept > MAX_VALUES { Value::Open } else { value }
    }

    fn root_of(&self, base: Base) -> Base {
        match base {
            Base::Stage(stage) => self.root(stage),
            Base::Scratch | Base::Image => base,
        }
    }

    fn found_base(&self, stage: Stage<'_>, names: &BTreeMap<String, usize>) -> Base {
        let Some(image) = stage.image().and_then(|image| self.of_from(&image.text)) else { return Base::Image };
        match names.get(&image.to_ascii_lowercase()) {
            Some(stage) => Base::Stage(*stage),
            None if image == "scratch" => Base::Scratch,
            None => Base::Image,
        }
    }

    fn read(&mut self, stage: Stage<'_>) {
        for instruction in stage.instructions.iter().filter(|instruction| !instruction.on_build) {
            let at = instruction.span.start;
            for pair in instruction.pairs() {
                let value = match instruction.keyword {
                    Keyword::Arg => self.argument(Some(stage.index), at, &pair),
                    Keyword::Env => self.variable(stage.index, at, &pair),
                    _ => continue,
                };
                let value = self.keep(value);
                let name = pair.name.unquoted().to_owned();
                self.names.insert(name.clone());
                self.stages[stage.index].names.entry(name).or_default().push((at, value));
            }
        }
    }

    fn argument(&self, stage: Option<usize>, at: usize, pair: &Pair) -> Value {
        let default = match (&pair.value, stage) {
            (Some(value), Some(stage)) => self.by_default(stage, at, &value.text),
            (Some(value), None) => self.of_from(&value.text),
            (None, Some(_)) => return self.globals.get(&pair.name.text).cloned().unwrap_or(Value::Open),
            (None, None) => None,
        };
        default.map_or(Value::Open, Value::Default)
    }

    fn variable(&self, stage: usize, at: usize, pair: &Pair) -> Value {
        let Some(value) = &pair.value else { return Value::Open };
        let fixed = self.surely(stage, at, &value.text).map(Value::Fixed);
        fixed.or_else(|| self.by_default(stage, at, &value.text).map(Value::Default)).unwrap_or(Value::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "ARG G=1\nARG OPEN\nFROM debian:$G AS one\nENV A=x\nARG G\nARG D=d\nENV B=$A-$D C=$NOBODY\n\
                        FROM one AS two\nENV A=$A$A\nFROM scratch\nARG OPEN\n";

    #[test]
    fn a_name_is_what_was_said_last_before_the_place() {
        let scopes = Dockerfile::parse(FILE.as_bytes()).scopes;
        let at_end = |stage, text| scopes.by_default(stage, usize::MAX, text);
        assert_eq!(at_end(0, "$A/$B/$G"), Some("x/x-d/1".into()));
        assert_eq!(at_end(1, "$A/$D"), Some("xx/d".into()));
        assert_eq!(at_end(2, "$A"), None);
        assert_eq!(scopes.surely(0, usize::MAX, "$B"), None);
        assert_eq!(scopes.surely(0, usize::MAX, "$A"), Some("x".into()));
        assert_eq!(scopes.surely(0, 0, "$A"), None);
        assert_eq!(scopes.value(2, usize::MAX, "OPEN"), Some(&Value::Open));
        assert_eq!(scopes.value(0, usize::MAX, "C"), Some(&Value::Open));
    }

    #[test]
    fn a_stage_is_built_on_a_stage_an_image_or_nothing() {
        let scopes = Dockerfile::parse(FILE.as_bytes()).scopes;
        assert_eq!([scopes.base(0), scopes.base(1), scopes.base(2)], [Base::Image, Base::Stage(0), Base::Scratch]);
        assert_eq!([scopes.root(1), scopes.root(2)], [Base::Image, Base::Scratch]);
        assert_eq!(scopes.of_from("debian:$G$OPEN$NOBODY").as_deref(), Some("debian:1"));
        assert_eq!(scopes.of_from("$TARGETARCH"), None);
    }

    #[test]
    fn values_that_double_with_each_line_end_somewhere() {
        let lines: String = (0..5000).map(|_| "ENV A=$A$A$A$A\n").collect();
        let scopes = Dockerfile::parse(format!("FROM scratch\nENV A=xxxx\n{lines}").as_bytes()).scopes;
        assert_eq!(scopes.value(0, usize::MAX, "A"), Some(&Value::Open));
    }

    #[test]
    fn what_is_kept_of_many_long_values_is_bounded() {
        let lines = (0..5000).map(|index| format!("ENV B{index}=$A")).collect::<Vec<_>>().join("\n");
        let long = "x".repeat(4000);
        let scopes = Dockerfile::parse(format!("FROM scratch\nENV A={long}\n{lines}").as_bytes()).scopes;
        assert_eq!(scopes.value(0, usize::MAX, "B0"), Some(&Value::Fixed(long)));
        assert_eq!(scopes.value(0, usize::MAX, "B4999"), Some(&Value::Open));
    }
}
