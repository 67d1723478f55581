//! Labels that the settings require, and the types of their values.

use crate::diagnostic::Span;
use crate::lint::dockerfile::Keyword;
use crate::lint::rule::Found;
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;
use crate::text;

/// A label whose value is known.
pub(super) struct Label {
    pub(super) name: String,
    pub(super) value: String,
    /// The place of the value.
    pub(super) place: Span,
    kind: LabelType,
}

/// The labels of the schema with their values in a build without arguments; unknown values are left out.
pub(super) fn of_schema(subject: &DockerfileSubject<'_>) -> Vec<Label> {
    if subject.settings.label_schema.is_empty() {
        return Vec::new();
    }
    let stages = subject.file.stages();
    let instructions = stages.flat_map(|stage| stage.of(Keyword::Label).map(move |label| (stage.index, label)));
    instructions
        .flat_map(|(stage, label)| label.pairs().into_iter().map(move |pair| (stage, label.span.start, pair)))
        .filter_map(|(stage, at, pair)| {
            let name = pair.name.unquoted().to_owned();
            let kind = *subject.settings.label_schema.get(&name)?;
            let value = pair.value?;
            let known = subject.file.scopes.by_default(stage, at, &value.text)?;
            let place = if value.span.is_empty() { pair.name.span } else { value.span };
            Some(Label { name, value: known, place, kind })
        })
        .collect()
}

/// The labels of a type with invalid values. Empty ones are reported by another rule.
pub(super) fn unlike(
    subject: &DockerfileSubject<'_>,
    kind: LabelType,
    what: &str,
    example: &str,
    is_one: impl Fn(&str) -> bool,
) -> Vec<Found> {
    let labels = of_schema(subject).into_iter().filter(|label| label.kind == kind && !label.value.is_empty());
    labels
        .filter(|label| !is_one(&label.value))
        .map(|label| {
            let message =
                format!("the label `{}` is not {what}: `{}`", text::cut(&label.name), text::cut(&label.value));
            Found::new(&label.place, message).help(format!("for example `{example}`"))
        })
        .collect()
}
