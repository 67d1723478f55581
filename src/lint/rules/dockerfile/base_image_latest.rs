use crate::lint::dockerfile::Stage;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::name::ImageReference;
use crate::text;

rule! {
    /// The base image has the tag `latest`.
    ///
    /// This tag moves with each release of the image, so the same commit may build a different image tomorrow. A digest
    /// after the tag fixes the version.
    ///
    /// ```dockerfile bad
    /// FROM node:latest
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ```
    "DL3007", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.stages().filter_map(latest).collect()
}

fn latest(stage: Stage<'_>) -> Option<Found> {
    let word = stage.image()?;
    let image = ImageReference::of(word.unquoted());
    (image.tag == Some("latest") && image.digest.is_none()).then(|| {
        let name = word.unquoted().trim_end_matches(":latest");
        Found::new(&word.span, format!("`{}` changes with each release", text::cut(word.unquoted())))
            .help(format!("name a version: `{}:<version>`", text::cut(name)))
    })
}
