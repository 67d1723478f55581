use super::copy_from_unknown::{first_stages, sources};
use crate::lint::dockerfile::Word;
use crate::lint::dockerfile::scope::Base;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::Registries;
use crate::lint::subject::DockerfileSubject;
use crate::name::ImageReference;
use crate::text;

rule! {
    /// An image comes from a registry that is not trusted.
    ///
    /// The setting `trustedRegistries` lists the trusted ones; without it all are trusted. `*` in it matches any text. An image
    /// without a registry comes from `docker.io`. Variables are not checked.
    ///
    /// ```yml
    /// trustedRegistries: [docker.io, "*.example.com"]
    /// ```
    ///
    /// ```dockerfile bad with trust-docker.io
    /// FROM quay.io/team/app:1
    /// ```
    ///
    /// ```dockerfile good with trust-docker.io trust-*.example.com
    /// FROM registry.example.com/team/app:1 AS app
    /// FROM node:22
    /// COPY --from=app /app /app
    /// ```
    "DL3026", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let trusted = &subject.settings.trusted_registries;
    if trusted.is_empty() {
        return Vec::new();
    }
    images(subject).filter_map(|image| untrusted(image, trusted)).collect()
}

/// The base images, and the sources of `--from` that are not stages.
fn images<'a>(subject: &DockerfileSubject<'a>) -> impl Iterator<Item = &'a Word> {
    let file = subject.file;
    let names = first_stages(file);
    let built_on = file.stages().filter(|stage| file.scopes.base(stage.index) == Base::Image);
    let copied = file.stages().flat_map(sources);
    let is_stage = move |from: &str| from.parse::<usize>().is_ok() || names.contains_key(&from.to_ascii_lowercase());
    built_on.filter_map(|stage| stage.image()).chain(copied.filter(move |from| !is_stage(from.unquoted())))
}

fn untrusted(word: &Word, trusted: &Registries) -> Option<Found> {
    let image = ImageReference::of(word.unquoted());
    if image.host.is_none() && image.path.split('/').next().is_some_and(|first| first.contains('$')) {
        return None;
    }
    let registry = image.registry();
    (!trusted.trust(registry.as_str())).then(|| {
        let message = format!("the registry `{}` is not trusted", text::cut(registry.as_str()));
        let some = trusted.names().iter().take(61).cloned().collect::<Vec<_>>().join(", ");
        Found::new(&word.span, message).help(format!("trusted registries: {}", text::cut(&some)))
    })
}
