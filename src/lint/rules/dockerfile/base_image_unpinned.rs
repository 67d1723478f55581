use crate::lint::dockerfile::scope::Base;
use crate::lint::dockerfile::variable::variables;
use crate::lint::dockerfile::{Dockerfile, Stage, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::name::ImageReference;
use crate::text;

rule! {
    /// The base image has no version.
    ///
    /// Without a tag the image is `latest`, which changes with each release: the same commit may then build a different image,
    /// and a build may fail although nothing in the repository changed.
    ///
    /// ```dockerfile bad
    /// FROM node
    /// ```
    ///
    /// ```dockerfile bad
    /// ARG KIND
    /// FROM team/node-${KIND}
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22 AS build
    /// FROM build
    /// FROM scratch
    /// ```
    "DL3006", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let images = subject.file.stages().filter(|stage| subject.file.scopes.base(stage.index) == Base::Image);
    images.filter_map(|stage| unpinned(stage, subject.file)).collect()
}

fn unpinned(stage: Stage<'_>, file: &Dockerfile) -> Option<Found> {
    let word = stage.image()?;
    let image = ImageReference::of(word.unquoted());
    // A leading variable may contain a complete name.
    let is_open =
        image.path.starts_with('$') || literal(image.path, file.escape).contains(|c: char| c.is_ascii_uppercase());
    let filled = file.scopes.of_from(&word.text);
    let is_fixed = |image: ImageReference<'_>| image.tag.is_some() || image.digest.is_some();
    if is_open
        || may_be_stage(word, file)
        || is_fixed(image)
        || filled.is_some_and(|name| is_fixed(ImageReference::of(&name)))
    {
        return None;
    }
    let name = text::cut(word.unquoted());
    Some(Found::new(&word.span, format!("`{name}` has no fixed version")).help(format!("add one: `{name}:<version>`")))
}

/// Whether a name with a variable may be that of a stage: `build-${TARGETARCH}`.
fn may_be_stage(word: &Word, file: &Dockerfile) -> bool {
    let text = word.unquoted().to_ascii_lowercase();
    let variables = variables(&text, file.escape);
    let Some((first, last)) = variables.first().zip(variables.last()) else { return false };
    let (before, behind) = (&text[..first.range.start], &text[last.range.end..]);
    let fits = |name: &str| name.starts_with(before) && name[before.len()..].ends_with(behind);
    file.stages().filter_map(|stage| stage.name()).any(|name| fits(&name.text.to_ascii_lowercase()))
}

/// A text without its variables.
fn literal(text: &str, escape: char) -> String {
    let mut literal = String::new();
    let mut at = 0;
    for variable in variables(text, escape) {
        literal.push_str(&text[at..variable.range.start]);
        at = variable.range.end;
    }
    literal + &text[at..]
}
