use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::ImageReference;
use crate::stack::file::{Service, Spanned};
use crate::text;

rule! {
    /// The image has no version.
    ///
    /// `latest`, or no tag at all, means the image that was pushed last: the same commit may deploy a different image tomorrow, and
    /// the file does not tell which version runs.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: nginx }
    /// ```
    ///
    /// ```yaml good with app/Dockerfile
    /// services:
    ///   web: { image: "nginx:1.27" }
    ///   app: { image: registry.example.com/shop/app, build: ./app }
    /// ```
    "SK3003", Warning, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(pulled_image).filter(|image| is_unpinned(image)).map(found).collect()
}

/// The image, unless skep builds it and gives it a tag.
fn pulled_image(service: &Service) -> Option<&Spanned<String>> {
    if service.build.is_some() { None } else { service.image.as_ref() }
}

fn is_unpinned(image: &str) -> bool {
    let ImageReference { tag, digest, .. } = ImageReference::of(image);
    digest.is_none() && tag.is_none_or(|tag| tag == "latest")
}

fn found(image: &Spanned<String>) -> Found {
    let name = text::cut(image.trim_end_matches(":latest"));
    Found::new(&image.span, format!("`{}` has no fixed version", text::cut(image)))
        .help(format!("add one: `{name}:<version>`"))
}
