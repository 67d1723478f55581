use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::name::ImageReference;
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
    images.filter(|image| !trusted.iter().any(|pattern| is_from(image, pattern))).map(found).collect()
}

/// The image, unless skep builds it.
fn pulled(service: &Service) -> Option<&Spanned<String>> {
    service.image.as_ref().filter(|_| service.build.is_none())
}

/// Whether an image is from a registry; `*` stands for any text.
fn is_from(image: &str, pattern: &str) -> bool {
    let (registry, pattern) = (ImageReference::of(image).registry(), pattern.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = registry.as_str().strip_prefix(first) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn found(image: &Spanned<String>) -> Found {
    let message = format!("`{}` comes from a registry that is not trusted", suggest::cut(image));
    Found::new(&image.span, message).help("push it to one that the settings name, or add its registry there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_compared_by_pattern() {
        assert!(
            is_from("nginx:1", "docker.io")
                && is_from("a/b", "*")
                && is_from("index.docker.io/a/b", "docker.io")
                && is_from("Registry/a", "registry")
                && is_from("r.example.com:5000/a", "*.example.com:*")
        );
        assert!(!is_from("ghcr.io/a/b", "docker.io") && !is_from("example.com.evil.io/a", "*.example.com"));
    }
}
