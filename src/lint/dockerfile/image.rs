//! The name of an image, taken apart.

use crate::render::image;

/// Whether BuildKit takes a text for an image (distribution/reference `ParseNormalizedNamed`), which an id is not.
pub fn is_valid(text: &str) -> bool {
    let is_id = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    !text.is_empty() && !is_id && image::check(text).is_ok() && image::check_digest(text).is_ok()
}

/// `registry/path:tag@digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'a> {
    /// The registry; Docker's own if there is none.
    pub registry: Option<&'a str>,
    /// The name in the registry.
    pub path: &'a str,
    /// What stands behind the colon.
    pub tag: Option<&'a str>,
    /// What stands behind `@`.
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes any text apart; a variable may be a part of it.
    pub fn of(text: &'a str) -> Self {
        let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
        let (registry, rest) = match rest.split_once('/') {
            Some((first, rest)) if is_registry(first) => (Some(first), rest),
            _ => (None, rest),
        };
        let (path, tag) = match tag_colon(rest) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        Self { registry, path, tag, digest }
    }
}

/// As Docker does: the part before the first slash is a registry if it has a dot, a port or capitals, or is
/// `localhost`.
fn is_registry(first: &str) -> bool {
    let looks_like_one = |c: char| c == '.' || c == ':' || c.is_ascii_uppercase();
    !first.contains('$') && (first == "localhost" || first.contains(looks_like_one))
}

/// The colon before the tag: behind the last slash, and not that of `${NAME:-default}`.
fn tag_colon(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut colon = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' if depth == 0 => colon = None,
            b':' if depth == 0 => colon = Some(at),
            _ => {}
        }
    }
    colon
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_builder_can_pull() {
        let id = "0123456789abcdef".repeat(4);
        for image in ["a", "a:1", "r.io/a/b", "[::1]:5000/a:1", "[fe80::1]/a", &format!("{id}:1"), &format!("x/{id}")] {
            assert!(is_valid(image), "{image}");
        }
        for image in
            ["", "A", "a:", "a@b", "a/", "http://a", "a:1@sha256:x", "[::g]/a", "[]/a", "[::1]a/b", "[::1]:/a", &id]
        {
            assert!(!is_valid(image), "{image}");
        }
    }

    #[test]
    fn the_parts_of_a_name() {
        let of = |text| {
            let Image { registry, path, tag, digest } = Image::of(text);
            (registry, path, tag, digest)
        };
        assert_eq!(of("debian"), (None, "debian", None, None));
        assert_eq!(of("team/app:1@sha256:a"), (None, "team/app", Some("1"), Some("sha256:a")));
        assert_eq!(of("localhost:5000/app"), (Some("localhost:5000"), "app", None, None));
        assert_eq!(of("quay.io/a/b:1"), (Some("quay.io"), "a/b", Some("1"), None));
        assert_eq!(of("${R:-x}/a:${T:-1}"), (None, "${R:-x}/a", Some("${T:-1}"), None));
        assert_eq!(of("${BASE:-debian:12}"), (None, "${BASE:-debian:12}", None, None));
    }
}
