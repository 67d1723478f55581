use std::collections::BTreeSet;

use crate::lint::dockerfile::scope::Base;
use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A stage lacks a label that the settings require.
    ///
    /// `label-schema` lists the required labels. A stage inherits the labels of the stage that it is built on.
    ///
    /// ```yml
    /// label-schema: { contact: email }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL address=https://example.com created=2026-01-31T12:00:00Z licence=MIT revision=0123456 release=1.2.3
    /// LABEL contact=ada@example.com title=shop
    /// ```
    "DL3049", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let wanted = &subject.settings.label_schema;
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut labels: Vec<BTreeSet<String>> = Vec::new();
    let mut found = Vec::new();
    for stage in subject.file.stages() {
        let mut own = match subject.file.scopes.base(stage.index) {
            Base::Stage(base) => labels[base].clone(),
            Base::Scratch | Base::Image => BTreeSet::new(),
        };
        let pairs = stage.of(Keyword::Label).flat_map(Instruction::pairs);
        own.extend(pairs.map(|pair| pair.name.unquoted().to_owned()).filter(|name| wanted.contains_key(name)));
        let lacking = wanted.keys().filter(|name| !own.contains(*name));
        let room = MAX_LOOKED_AT.saturating_sub(found.len());
        let each = stage.from().into_iter().flat_map(|from| lacking.clone().map(move |name| missing(from, name)));
        found.extend(each.take(room));
        labels.push(own);
    }
    found
}

fn missing(from: &Instruction, name: &str) -> Found {
    let place = from.words().first().map_or(&from.span, |image| &image.span);
    Found::new(place, format!("the stage has no label `{}`", text::cut(name)))
        .help(format!("add it: `LABEL {}=…`", text::cut(name)))
}
