use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::ImageReference;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// `image` is not the name of an image.
    ///
    /// A name is in lower case, with `/` between its parts and the version after `:`. An empty default
    /// makes it invalid: `shop:${TAG:-}` becomes `shop:`.
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
        Some("nothing follows the colon: is a variable not set?")
    } else if image.contains("://") {
        Some("remove `https://`")
    } else if image.contains(|c: char| c.is_ascii_uppercase()) {
        Some("names of images are in lower case")
    } else if image.contains(char::is_whitespace) {
        Some("it must not contain spaces")
    } else {
        None
    }
}
