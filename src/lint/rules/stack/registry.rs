use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::ImageReference;
use crate::stack::file::{Service, Spanned};
use crate::text;

rule! {
    /// An image comes from a registry that is not trusted.
    ///
    /// The settings of the repository list the registries that images may come from (`trusted-registries`); without such a
    /// list all are allowed. Images of Docker Hub are from `docker.io`.
    ///
    /// ```yaml bad with trust-registry.example.com
    /// services:
    ///   web: { image: "ghcr.io/shop/web:1" }
    /// ```
    ///
    /// ```yaml good with trust-registry.example.com
    /// services:
    ///   web: { image: "registry.example.com/shop/web:1" }
    /// ```
    "SK6009", Error, Stack(check), Deploys
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let trusted = &subject.settings.trusted_registries;
    if trusted.is_empty() {
        return Vec::new();
    }
    let images = subject.file.services.values().filter_map(pulled);
    let is_trusted = |image: &&Spanned<String>| trusted.trust(ImageReference::of(&image.value).registry().as_str());
    images.filter(|image| !is_trusted(image)).map(found).collect()
}

/// The image, unless skep builds it.
fn pulled(service: &Service) -> Option<&Spanned<String>> {
    service.image.as_ref().filter(|_| service.build.is_none())
}

fn found(image: &Spanned<String>) -> Found {
    let message = format!("`{}` comes from a registry that is not trusted", text::cut(image));
    Found::new(&image.span, message).help("push it to a trusted registry, or add its registry to `trusted-registries`")
}
