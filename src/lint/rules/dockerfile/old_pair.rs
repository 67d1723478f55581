use crate::lint::dockerfile::Instruction;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `ENV` or `LABEL` has no `=`.
    ///
    /// In this old form everything after the name is the value, including quotes, and only one pair is possible. BuildKit:
    /// `LegacyKeyValueFormat`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ENV NODE_ENV production
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ENV NODE_ENV=production
    /// ```
    "SK5014", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.instructions.iter().filter(|one| one.is_old_form()).filter_map(found).collect()
}

fn found(instruction: &Instruction) -> Option<Found> {
    let pair = instruction.pairs().pop()?;
    let name = text::cut(&pair.name.text);
    let found = Found::new(&pair.name.span, format!("`{name}` has its value without `=`"));
    Some(found.help(format!("write `{} {name}=…`", instruction.keyword)))
}
