//! The image of a service: built, pinned, or as the file has it.

use super::Renderer;
use crate::name::ServiceName;
use crate::stack::file::Service;

/// The longest name of an image, without tag and digest, and the longest tag (distribution/reference `regexp.go`).
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

impl Renderer<'_> {
    /// The image to run and the image as written.
    pub(super) fn image(&mut self, name: &ServiceName, service: &Service) -> (String, String) {
        if service.build.is_some()
            && let Some(built) = self.inputs.images.get(name)
        {
            return (built.clone(), built.clone());
        }
        let Some(image) = &service.image else {
            let help =
                if service.build.is_some() { "build it first, or name an `image`" } else { "write `image` or `build`" };
            self.problem(&service.span, format!("the service `{name}` has no image"), help.to_owned());
            return Default::default();
        };
        if let Err(reason) = check(image) {
            self.problem(&image.span, format!("`{}` is not an image: {reason}", image.value.escape_debug()), None);
        }
        let run = familiar(self.inputs.pinned.get(&image.value).unwrap_or(image));
        (run, image.value.clone())
    }
}

/// An image as Docker sends it when no registry is asked (distribution/reference `FamiliarString` and `TagNameOnly`):
/// without what is understood for Docker Hub, with a tag if it has neither tag nor digest. An id stays as it is.
pub(super) fn familiar(image: &str) -> String {
    if image.len() == 64 && image.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return image.to_owned();
    }
    let (tagged, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let has_tag = tagged.rsplit('/').next().is_some_and(|last| last.contains(':'));
    let on_hub = ["docker.io/", "index.docker.io/"].iter().find_map(|hub| tagged.strip_prefix(hub)).or_else(|| {
        let first = tagged.split_once('/').map_or("", |(first, _)| first);
        let is_host =
            first.contains(['.', ':']) || first == "localhost" || first.contains(|c: char| c.is_ascii_uppercase());
        (!is_host).then_some(tagged)
    });
    let name =
        on_hub.map_or(tagged, |path| path.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(path));
    match digest {
        Some(digest) => format!("{name}@{digest}"),
        None if has_tag => name.to_owned(),
        None => format!("{name}:latest"),
    }
}

/// Why a text is not the name of an image, by the grammar of distribution/reference (`reference.go`): parts in lower case
/// with `/` between them, the first of which may be a host, and a tag behind `:`. A digest is passed over.
pub(crate) fn check(image: &str) -> Result<(), &'static str> {
    let tagged = image.split_once('@').map_or(image, |(name, _)| name);
    let (name, tag) = match tagged.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (tagged, None),
    };
    let host = name.split_once('/').map(|(first, _)| first).filter(|first| is_host(first));
    let path = host.map_or(name, |host| &name[host.len() + 1..]);
    if name.len() > LONGEST_NAME {
        return Err("its name is longer than 255 characters");
    }
    path.split('/').try_for_each(check_part)?;
    tag.map_or(Ok(()), check_tag)
}

/// The same of its digest, if it has one.
pub(crate) fn check_digest(image: &str) -> Result<(), &'static str> {
    let is_good = image.split_once('@').is_none_or(|(_, digest)| is_digest(digest));
    if is_good { Ok(()) } else { Err("its digest is not one, such as `sha256:` and 64 digits") }
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
    // Between two words there may be one point, one or two underscores, or any number of dashes.
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

/// Whether the part before the first `/` is a host, and not the first part of a path on Docker Hub.
fn is_host(part: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, port)) = part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_address = !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, number) = part.split_once(':').map_or((part, None), |(name, number)| (name, Some(number)));
    let label = |label: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(ends) && label.ends_with(ends) && label.chars().all(|c| ends(c) || c == '-')
    };
    let known = name.contains('.')
        || number.is_some()
        || name == "localhost"
        || name.contains(|c: char| c.is_ascii_uppercase());
    known && name.split('.').all(label) && number.is_none_or(is_port)
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let digits = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
    };
    hex.len() == digits && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_written_as_docker_does() {
        let table = [
            ("nginx", "nginx:latest"),
            ("docker.io/library/nginx:1", "nginx:1"),
            ("docker.io/a/b", "a/b:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
            ("x@sha256:00", "x@sha256:00"),
            ("docker.io/library/x:1@sha256:00", "x:1@sha256:00"),
            ("library/nginx", "nginx:latest"),
            ("library/a/b", "library/a/b:latest"),
            ("index.docker.io/nginx:1", "nginx:1"),
        ];
        for (written, sent) in table {
            assert_eq!(familiar(written), sent);
        }
    }

    #[test]
    fn what_is_no_image_is_told() {
        for good in ["a/b:1.0_A", "registry.io:5000/a-b/c@x", "localhost/x", "a__b/c.d/e---f", "Registry/x"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "nginx:", "Foo", "a b", "a//b", "a:b c", "-a", "a..b", "a:.x", "a.b:x/c", "a:b/c"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let digest = |digits: usize| format!("a@sha256:{}", "0".repeat(digits));
        assert_eq!(
            [digest(64), digest(63), "a@b".into()].map(|image| check_digest(&image).is_ok()),
            [true, false, false]
        );
    }

    proptest::proptest! {
        /// The registry's client has a regular expression, which takes a command longer than all else it does.
        #[test]
        fn what_is_an_image_is_one_to_the_client_of_registries(
            text in "([A-Za-z0-9.-]{1,6}(:[0-9]{0,3})?/)?[a-z0-9A._-]{0,6}(/[a-z0-9._-]{0,4})?(:[A-Za-z0-9._-]{0,4})?",
        ) {
            proptest::prop_assert_eq!(check(&text).is_ok(), text.parse::<oci_client::Reference>().is_ok(), "{}", text);
        }
    }
}
