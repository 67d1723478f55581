use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A label that the settings require is empty.
    ///
    /// `label-schema` lists the required labels. An empty one does not tell readers anything.
    ///
    /// ```yml
    /// label-schema: { title: text }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL title=""
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL title="shop"
    /// ```
    "DL3051", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let empty = labels::of_schema(subject).into_iter().filter(|label| label.value.is_empty());
    empty.map(|label| Found::new(&label.place, format!("the label `{}` is empty", text::cut(&label.name)))).collect()
}
