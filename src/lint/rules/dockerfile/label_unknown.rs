use crate::diagnostic::suggest;
use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// The settings do not allow a label.
    ///
    /// With `strict-labels`, only the labels of `label-schema` are allowed.
    ///
    /// ```yml
    /// label-schema: { contact: email }
    /// strict-labels: true
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL contcat=ada@example.com
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL contact=ada@example.com
    /// ```
    "DL3050", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let known = &subject.settings.label_schema;
    if !subject.settings.strict_labels {
        return Vec::new();
    }
    let names = subject.file.of(Keyword::Label).flat_map(Instruction::pairs).map(|pair| pair.name);
    names
        .filter(|name| !known.contains_key(name.unquoted()))
        .take(MAX_LOOKED_AT)
        .map(|name| {
            let found = Found::new(&name.span, format!("the label `{}` is not allowed", text::cut(name.unquoted())));
            let help = suggest::did_you_mean(name.unquoted(), known.keys().map(String::as_str));
            help.into_iter().fold(found, Found::help)
        })
        .collect()
}
