use crate::lint::dockerfile::Stage;
use crate::lint::dockerfile::image::Image;
use crate::lint::dockerfile::scope::Base;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::lint::suggest;

rule! {
    /// The image that is built on has no version.
    ///
    /// No tag means `latest`, which is another image next month: the same commit then builds into something else, and a
    /// build that worked fails for a reason that is in no diff.
    ///
    /// ```dockerfile bad
    /// FROM node
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
    images.filter_map(unpinned).collect()
}

fn unpinned(stage: Stage<'_>) -> Option<Found> {
    let word = stage.image()?;
    let image = Image::of(word.unquoted());
    let open = image.path.contains('$') || image.path.contains(|c: char| c.is_ascii_uppercase());
    if image.tag.is_some() || image.digest.is_some() || open {
        return None;
    }
    let name = suggest::cut(word.unquoted());
    Some(Found::new(&word.span, format!("`{name}` has no fixed version")).help(format!("name one: `{name}:<version>`")))
}
