use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::ImageReference;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// `image` is not the name of an image.
    ///
    /// A name is written in lower case, with `/` between its parts and the version behind `:`. A default that is
    /// empty leaves no name behind: `shop:${TAG:-}` becomes `shop:`.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "Shop/Web:1" }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "shop:${TAG:-}" }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "registry.example.com:5000/shop/web:1.2" }
    ///   db: { image: "postgres:${POSTGRES:-17}" }
    /// ```
    "SK1006", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(|service| invalid(service.image.as_ref()?)).collect()
}

fn invalid(image: &Spanned<String>) -> Option<Found> {
    let why = ImageReference::parse(image).and_then(|image| image.check_digest()).err()?;
    let found = Found::new(&image.span, format!("`{}` is not the name of an image", text::cut(&image.value)));
    Some(match help(&image.value) {
        Some(help) => found.help(help),
        None => found.help(why),
    })
}

fn help(image: &str) -> Option<&'static str> {
    if image.is_empty() {
        Some("write `name:version`")
    } else if image.ends_with(':') {
        Some("nothing stands behind the colon: is a variable not set?")
    } else if image.contains("://") {
        Some("leave out `https://`")
    } else if image.contains(|c: char| c.is_ascii_uppercase()) {
        Some("names of images are written in lower case")
    } else if image.contains(char::is_whitespace) {
        Some("there must be no blank in it")
    } else {
        None
    }
}
