//! The only parser of image names.
//!
//! The grammar is that of Docker (distribution/reference `reference.go`, `normalize.go`, `regexp.go`):
//! `[host[:port]/]path[:tag][@digest]`. [`ImageReference::of`] splits any text, for messages about invalid names and for
//! names with variables; [`ImageReference::parse`] returns why a text is not an image name.

use std::fmt;

/// The registry of an image whose name has no host.
pub const HUB: &str = "docker.io";
/// Another name for [`HUB`].
const INDEX: &str = "index.docker.io";
/// The namespace of [`HUB`] that may be omitted.
const OFFICIAL: &str = "library/";
/// The longest name of an image, without tag and digest, and the longest tag.
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

/// The parts of an image name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageReference<'a> {
    /// The host of the registry, with its port, as written; `None` implies Docker Hub.
    pub host: Option<&'a str>,
    /// The name in the registry.
    pub path: &'a str,
    /// The part after the colon.
    pub tag: Option<&'a str>,
    /// The part after `@`.
    pub digest: Option<&'a str>,
    text: &'a str,
}

impl<'a> ImageReference<'a> {
    /// Splits any text, which may contain variables such as `${TAG:-1}`.
    pub fn of(text: &'a str) -> Self {
        let (tagged, digest) = text.split_once('@').map_or((text, None), |(tagged, digest)| (tagged, Some(digest)));
        let (host, rest) = match tagged.split_once('/') {
            Some((first, rest)) if may_be_host(first) => (Some(first), rest),
            _ => (None, tagged),
        };
        let (path, tag) = match tag_colon(rest) {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        Self { host, path, tag, digest, text }
    }

    /// Parses an image name; the error says what is wrong with it. The digest is checked by
    /// [`check_digest`](Self::check_digest).
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        let image = Self::of(text);
        // Docker takes an invalid host for the first part of the path.
        let path = if image.host.is_some_and(is_host) { image.path } else { image.repository() };
        if image.repository().len() > LONGEST_NAME {
            return Err("its name is longer than 255 characters");
        }
        path.split('/').try_for_each(check_part)?;
        image.tag.map_or(Ok(()), check_tag)?;
        Ok(image)
    }

    /// Whether BuildKit can pull a text as an image (distribution/reference `ParseNormalizedNamed`), which excludes ids.
    pub fn can_be_pulled(text: &'a str) -> bool {
        let is_id = text.len() == 64 && is_hex(text);
        !text.is_empty() && !is_id && Self::parse(text).is_ok_and(|image| image.check_digest().is_ok())
    }

    /// Returns what is wrong with the digest, if there is one.
    pub fn check_digest(&self) -> Result<(), &'static str> {
        let is_good = self.digest.is_none_or(is_digest);
        if is_good { Ok(()) } else { Err("its digest is not one, such as `sha256:` and 64 digits") }
    }

    /// The name without tag and digest, as written.
    pub fn repository(&self) -> &'a str {
        let host = self.host.map_or(0, |host| host.len() + 1);
        &self.text[..host + self.path.len()]
    }

    /// The name and tag, without the digest, as written.
    pub fn tagged(&self) -> &'a str {
        let tag = self.tag.map_or(0, |tag| tag.len() + 1);
        &self.text[..self.repository().len() + tag]
    }

    /// The last part of its path, such as `traefik` of `quay.io/team/traefik:3`.
    pub fn base(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The registry of the image.
    pub fn registry(&self) -> RegistryHost {
        self.host.map_or_else(|| RegistryHost(HUB.to_owned()), RegistryHost::named)
    }

    /// The name as Docker sends it without asking a registry (`FamiliarString` and `TagNameOnly`): without the implied
    /// parts of Docker Hub, with a tag if it has neither tag nor digest. An id is unchanged.
    pub fn familiar(&self) -> String {
        if self.text.len() == 64 && is_hex(self.text) {
            return self.text.to_owned();
        }
        let is_on_hub = self.host.is_none_or(|host| host == HUB || host == INDEX);
        let official = || self.path.strip_prefix(OFFICIAL).filter(|rest| !rest.contains('/'));
        let name = if is_on_hub { official().unwrap_or(self.path) } else { self.repository() };
        let tag = || self.tag.map_or_else(|| ":latest".to_owned(), |tag| format!(":{tag}"));
        match (self.digest, self.tag) {
            (Some(digest), None) => format!("{name}@{digest}"),
            (Some(digest), Some(tag)) => format!("{name}:{tag}@{digest}"),
            (None, _) => format!("{name}{}", tag()),
        }
    }
}

impl fmt::Display for ImageReference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

/// The registry in an image name: a host, with its port if there is one. Docker Hub is [`HUB`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The registry of images whose names begin with `prefix`, such as `registry.example.com/team`.
    pub fn of_prefix(prefix: &str) -> Self {
        ImageReference::of(&format!("{}/image", prefix.trim_end_matches('/'))).registry()
    }

    fn named(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        Self(if host == INDEX { HUB.to_owned() } else { host })
    }

    /// The host and port as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whether the part before the first `/` counts as a host (`splitDockerDomain`): it contains a `.`, a `:` or a capital
/// letter, or is `localhost`. A part with a variable does not count.
fn may_be_host(first: &str) -> bool {
    let is_marked = |c: char| matches!(c, '.' | ':') || c.is_ascii_uppercase();
    !first.contains('$') && (first == "localhost" || first.contains(is_marked))
}

/// Whether a text is a valid host with an optional port.
fn is_host(text: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let is_address = address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':') && !address.is_empty();
        return is_address && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(ends) && label.ends_with(ends) && label.chars().all(|c| ends(c) || c == '-')
    };
    name.split('.').all(label) && port.is_none_or(is_port)
}

/// The colon before the tag: after the last slash, and not that of `${NAME:-default}`.
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

fn check_part(part: &str) -> Result<(), &'static str> {
    if part.contains(|c: char| c.is_ascii_uppercase()) {
        return Err("its name must be in lower case");
    }
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !part.chars().all(|c| word(c) || matches!(c, '.' | '_' | '-')) {
        return Err("its name has a character that is not allowed");
    }
    if !(part.starts_with(word) && part.ends_with(word)) {
        return Err("a part of its name is missing, or does not begin and end with a letter or digit");
    }
    // Words are separated by one dot, one or two underscores, or any number of dashes.
    let between = part.split(word).filter(|between| !between.is_empty());
    let allowed = |between: &str| matches!(between, "." | "_" | "__") || between.chars().all(|c| c == '-');
    if between.into_iter().all(allowed) { Ok(()) } else { Err("its name has several separators in a row") }
}

fn check_tag(tag: &str) -> Result<(), &'static str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match tag {
        "" => Err("its tag is empty"),
        tag if tag.len() > LONGEST_TAG => Err("its tag is longer than 128 characters"),
        tag if tag.starts_with(word) && tag.chars().all(|c| word(c) || matches!(c, '.' | '-')) => Ok(()),
        _ => Err("its tag has a character that is not allowed"),
    }
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
    };
    hex.len() == digits && is_hex(hex)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_parts_of_a_name() {
        let of = |text| {
            let ImageReference { host, path, tag, digest, .. } = ImageReference::of(text);
            (host, path, tag, digest)
        };
        assert_eq!(of("debian"), (None, "debian", None, None));
        assert_eq!(of("team/app:1@sha256:a"), (None, "team/app", Some("1"), Some("sha256:a")));
        assert_eq!(of("localhost:5000/app"), (Some("localhost:5000"), "app", None, None));
        assert_eq!(of("quay.io/a/b:1"), (Some("quay.io"), "a/b", Some("1"), None));
        assert_eq!(of("${R:-x}/a:${T:-1}"), (None, "${R:-x}/a", Some("${T:-1}"), None));
        assert_eq!(of("${BASE:-debian:12}"), (None, "${BASE:-debian:12}", None, None));
        let image = ImageReference::of("quay.io:443/a/b:1@sha256:00");
        assert_eq!((image.repository(), image.tagged(), image.base()), ("quay.io:443/a/b", "quay.io:443/a/b:1", "b"));
    }

    /// The results of github.com/distribution/reference v0.6.0 for these names (`ParseNormalizedNamed`, `FamiliarString`
    /// of `TagNameOnly`, `Domain`), except that hosts are in lower case here, and digests are checked separately.
    #[test]
    fn names_are_read_as_docker_reads_them() {
        let names = [
            "nginx",
            "nginx:1.27",
            "library/nginx",
            "library/a/b",
            "docker.io/nginx",
            "docker.io/library/nginx:1",
            "index.docker.io/team/x",
            "docker.io/a/b",
            "localhost/x",
            "localhost:5000/x",
            "LOCALHOST/x",
            "Team/x",
            "team/x",
            "R.example.com:5000/a/b:1",
            "[2001:db8::1]:5000/x",
            "127.0.0.1:5000/x",
            "under_score.example.com/x",
            "x--y/z",
            "x__y",
            "x___y",
            "a..b",
            "a/b:c/d",
            "https://r.example.com/x",
            "nginx:",
            ":1",
            "@sha256:00",
            "",
            "/x",
            "x/",
            "a//b",
            "a b",
            "é",
            "Nginx",
            "r.example.com/Team/x",
            "x:-1",
            "r.example.com",
            "r.example.com:1",
            "r.example.com@evil.example/x",
            "r.example.com:/x",
            "r.example.com:80a/x",
            "docker.io/localhost/x",
            "index.docker.io/library/x",
            "[::1]/x",
            "[::1/x",
            "a_/b",
        ];
        let shown = |name: &str| match ImageReference::parse(name) {
            Ok(image) => format!("{name:?}: {} at {}", image.familiar(), image.registry()),
            Err(reason) => format!("{name:?}: {reason}"),
        };
        insta::assert_snapshot!(names.map(shown).join("\n"), @r#"
        "nginx": nginx:latest at docker.io
        "nginx:1.27": nginx:1.27 at docker.io
        "library/nginx": nginx:latest at docker.io
        "library/a/b": library/a/b:latest at docker.io
        "docker.io/nginx": nginx:latest at docker.io
        "docker.io/library/nginx:1": nginx:1 at docker.io
        "index.docker.io/team/x": team/x:latest at docker.io
        "docker.io/a/b": a/b:latest at docker.io
        "localhost/x": localhost/x:latest at localhost
        "localhost:5000/x": localhost:5000/x:latest at localhost:5000
        "LOCALHOST/x": LOCALHOST/x:latest at localhost
        "Team/x": Team/x:latest at team
        "team/x": team/x:latest at docker.io
        "R.example.com:5000/a/b:1": R.example.com:5000/a/b:1 at r.example.com:5000
        "[2001:db8::1]:5000/x": [2001:db8::1]:5000/x:latest at [2001:db8::1]:5000
        "127.0.0.1:5000/x": 127.0.0.1:5000/x:latest at 127.0.0.1:5000
        "under_score.example.com/x": under_score.example.com/x:latest at under_score.example.com
        "x--y/z": x--y/z:latest at docker.io
        "x__y": x__y:latest at docker.io
        "x___y": its name has several separators in a row
        "a..b": its name has several separators in a row
        "a/b:c/d": its name has a character that is not allowed
        "https://r.example.com/x": its name has a character that is not allowed
        "nginx:": its tag is empty
        ":1": a part of its name is missing, or does not begin and end with a letter or digit
        "@sha256:00": a part of its name is missing, or does not begin and end with a letter or digit
        "": a part of its name is missing, or does not begin and end with a letter or digit
        "/x": a part of its name is missing, or does not begin and end with a letter or digit
        "x/": a part of its name is missing, or does not begin and end with a letter or digit
        "a//b": a part of its name is missing, or does not begin and end with a letter or digit
        "a b": its name has a character that is not allowed
        "é": its name has a character that is not allowed
        "Nginx": its name must be in lower case
        "r.example.com/Team/x": its name must be in lower case
        "x:-1": its tag has a character that is not allowed
        "r.example.com": r.example.com:latest at docker.io
        "r.example.com:1": r.example.com:1 at docker.io
        "r.example.com@evil.example/x": r.example.com@evil.example/x at docker.io
        "r.example.com:/x": its name has a character that is not allowed
        "r.example.com:80a/x": its name has a character that is not allowed
        "docker.io/localhost/x": localhost/x:latest at docker.io
        "index.docker.io/library/x": x:latest at docker.io
        "[::1]/x": [::1]/x:latest at [::1]
        "[::1/x": its name has a character that is not allowed
        "a_/b": a part of its name is missing, or does not begin and end with a letter or digit
        "#);
    }

    #[test]
    fn a_digest_has_the_length_of_its_algorithm() {
        let is_good = |digest: &str| ImageReference::of(&format!("a@{digest}")).check_digest().is_ok();
        let of = |algorithm: &str, digits: usize| format!("{algorithm}:{}", "0".repeat(digits));
        assert!(is_good(&of("sha256", 64)) && is_good(&of("sha512", 128)) && is_good(&of("other", 32)));
        assert!(!is_good(&of("sha256", 63)) && !is_good(&of("sha512", 64)) && !is_good("b") && !is_good(""));
        assert!(!is_good(&of("sha256", 64).replace('0', "A")));
    }

    #[test]
    fn what_a_builder_can_pull() {
        let id = "0123456789abcdef".repeat(4);
        for image in ["a", "a:1", "r.io/a/b", "[::1]:5000/a:1", "[fe80::1]/a", &format!("{id}:1"), &format!("x/{id}")] {
            assert!(ImageReference::can_be_pulled(image), "{image}");
        }
        let none =
            ["", "A", "a:", "a@b", "a/", "http://a", "a:1@sha256:x", "[::g]/a", "[]/a", "[::1]a/b", "[::1]:/a", &id];
        for image in none {
            assert!(!ImageReference::can_be_pulled(image), "{image}");
        }
    }

    #[test]
    fn the_registry_of_a_prefix_is_that_of_its_images() {
        let of_prefix = |prefix: &str| RegistryHost::of_prefix(prefix).to_string();
        assert_eq!(
            ["r.example.com", "r.example.com/", "localhost:5000/a", "team", "index.docker.io/team"].map(of_prefix),
            ["r.example.com", "r.example.com", "localhost:5000", "docker.io", "docker.io"]
        );
    }

    #[test]
    fn an_id_stays_as_it_is() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(ImageReference::of(&id).familiar(), id);
    }

    proptest! {
        /// The parts of any text add up to the text.
        #[test]
        fn the_parts_of_any_text_make_the_text(text in "[A-Za-z0-9.:/@_${}-]{0,30}|\\PC*") {
            let image = ImageReference::of(&text);
            let with = |mark: &str, part: Option<&str>| part.map_or(String::new(), |part| format!("{mark}{part}"));
            let host = image.host.map_or(String::new(), |host| format!("{host}/"));
            let whole = format!("{host}{}{}{}", image.path, with(":", image.tag), with("@", image.digest));
            prop_assert_eq!(&whole, &text);
            prop_assert!(text.starts_with(image.tagged()) && image.tagged().starts_with(image.repository()));
            prop_assert_eq!(image.to_string(), text.as_str());
        }

        /// The familiar name of an image is the same image, with the same familiar name.
        #[test]
        fn the_familiar_name_is_of_the_same_image(
            host in "(docker\\.io/|index\\.docker\\.io/|r\\.example\\.com(:5000)?/|localhost/)?",
            path in "(library/)?[a-k]{1,4}(/[a-k]{1,4}){0,2}",
            rest in "(:[a-z0-9]{1,3})?(@sha256:[0-9a-f]{64})?",
        ) {
            let text = format!("{host}{path}{rest}");
            let image = ImageReference::parse(&text).unwrap();
            let familiar = image.familiar();
            let again = ImageReference::parse(&familiar).unwrap();
            prop_assert_eq!(again.registry(), image.registry());
            prop_assert_eq!(again.familiar(), familiar.as_str());
            prop_assert_eq!(again.digest, image.digest);
        }

        /// Compares with the regular expression of the registry client, which is too slow to use.
        #[test]
        fn what_is_an_image_is_one_to_the_client_of_registries(
            text in "([A-Za-z0-9.-]{1,6}(:[0-9]{0,3})?/)?[a-z0-9A._-]{0,6}(/[a-z0-9._-]{0,4})?(:[A-Za-z0-9._-]{0,4})?",
        ) {
            let ours = ImageReference::parse(&text);
            prop_assert_eq!(ours.is_ok(), text.parse::<oci_client::Reference>().is_ok(), "{}", text);
        }
    }
}
