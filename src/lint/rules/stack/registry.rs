use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::stack::file::{Service, Spanned};

rule! {
    /// An image comes from a registry that is not trusted.
    ///
    /// The settings of the repository name the registries that images may come from (`trusted-registries`); without such a
    /// list nothing is said. Images of Docker Hub are from `docker.io`.
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
    images.filter(|image| !trusted.trust(registry(image))).map(found).collect()
}

/// The image, unless skep builds it.
fn pulled(service: &Service) -> Option<&Spanned<String>> {
    service.image.as_ref().filter(|_| service.build.is_none())
}

/// The registry of an image: what stands before the first `/`, if it is a host.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}

fn found(image: &Spanned<String>) -> Found {
    let message = format!("`{}` comes from a registry that is not trusted", suggest::cut(image));
    Found::new(&image.span, message).help("push it to one that the settings name, or add its registry there")
}
