//! Logins to registries, and which of them goes with an image: only that of the image's own registry.

use std::collections::BTreeMap;
use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use secrecy::{ExposeSecret as _, SecretString};

/// The registry of an image whose name begins with no host.
pub const HUB: &str = "docker.io";
/// What Docker calls the login to it.
pub const HUB_LOGIN: &str = "https://index.docker.io/v1/";
/// The `X-Registry-Auth` that stands for no login: an empty object.
const ANONYMOUS: &str = "e30=";

/// A registry as images name it: a host, with its port if one is written. Docker Hub is [`HUB`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The registry of an image, by Docker's rule (distribution/reference `splitDockerDomain`): what is before the first
    /// `/`, if it has a `.`, a `:` or a capital letter in it, or is `localhost`.
    pub fn of_image(image: &str) -> Self {
        match image.split_once('/') {
            Some((first, _)) if is_host(first) => Self::named(first),
            _ => Self(HUB.to_owned()),
        }
    }

    /// The registry of images whose names begin with `prefix`, such as `registry.example.com/team`.
    pub fn of_prefix(prefix: &str) -> Self {
        Self::of_image(&format!("{}/image", prefix.trim_end_matches('/')))
    }

    fn named(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        Self(if host == "index.docker.io" { HUB.to_owned() } else { host })
    }

    /// The host and port as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What Docker calls a login to it.
    pub fn server(&self) -> &str {
        if self.0 == HUB { HUB_LOGIN } else { &self.0 }
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

fn is_host(first: &str) -> bool {
    first.contains(|c: char| matches!(c, '.' | ':') || c.is_ascii_uppercase()) || first == "localhost"
}

/// A login to a registry.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name of the user.
    pub username: String,
    /// The password, or a token in its place.
    pub password: SecretString,
    /// A token that replaces user and password.
    pub identity: Option<SecretString>,
    /// What Docker calls the registry.
    pub server: String,
}

impl Login {
    /// The login of a user with a password to a registry.
    pub fn new(registry: &RegistryHost, username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        let server = registry.server().to_owned();
        Self { username: username.into(), password: password.into(), identity: None, server }
    }

    /// The login of nobody: Docker sends an empty object.
    pub fn anonymous() -> Self {
        Self { username: String::new(), password: String::new().into(), identity: None, server: String::new() }
    }

    /// The `AuthConfig` that the engine expects, in JSON.
    pub fn to_json(&self) -> String {
        let identity = self.identity.as_ref().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
        let fields = [
            ("username", self.username.as_str()),
            ("password", self.password.expose_secret()),
            ("serveraddress", self.server.as_str()),
            ("identitytoken", identity.as_str()),
        ];
        let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
        said.collect::<serde_json::Value>().to_string()
    }

    /// The value of the header `X-Registry-Auth`.
    pub fn header(&self) -> String {
        URL_SAFE.encode(self.to_json())
    }
}

/// Logins by registry: each is used for images of its own registry, and of no other.
#[derive(Debug, Clone, Default)]
pub struct Logins(BTreeMap<RegistryHost, Login>);

impl Logins {
    /// The login for images of a registry.
    pub fn insert(&mut self, registry: RegistryHost, login: Login) {
        self.0.insert(registry, login);
    }

    /// The login that goes with an image.
    pub fn of_image(&self, image: &str) -> Option<&Login> {
        self.0.get(&RegistryHost::of_image(image))
    }

    /// The `X-Registry-Auth` of a question about an image.
    pub fn header_to_ask(&self, image: &str) -> Option<String> {
        self.of_image(image).map(Login::header)
    }

    /// The `X-Registry-Auth` of a service that is to run an image, and runs another one or none now.
    ///
    /// Without the header the engine keeps the login that the service was written with last, and its nodes send that to
    /// the registry of the new image. So it is left out only where no login is known at all, and the registry stays.
    pub fn header_to_run(&self, image: &str, running: Option<&str>) -> Option<String> {
        let stays = running.is_none_or(|it| RegistryHost::of_image(it) == RegistryHost::of_image(image));
        match self.of_image(image) {
            Some(login) => Some(login.header()),
            None if self.0.is_empty() && stays => None,
            None => Some(ANONYMOUS.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(registries: &[&str]) -> Logins {
        let mut logins = Logins::default();
        for prefix in registries {
            let registry = RegistryHost::of_prefix(prefix);
            logins.insert(registry.clone(), Login::new(&registry, "skep", "hunter2"));
        }
        logins
    }

    #[test]
    fn the_registry_of_an_image_is_dockers() {
        let of_image = |image: &str| RegistryHost::of_image(image).to_string();
        let hosts = ["redis:7", "team/app", "localhost/app", "R.example.com:5000/a/b", "127.0.0.1:5000/x", "Team/x"];
        assert_eq!(
            hosts.map(of_image),
            ["docker.io", "docker.io", "localhost", "r.example.com:5000", "127.0.0.1:5000", "team"]
        );
        let of_prefix = |prefix: &str| RegistryHost::of_prefix(prefix).to_string();
        assert_eq!(
            ["r.example.com", "r.example.com/", "localhost:5000/a", "team", "index.docker.io/team"].map(of_prefix),
            ["r.example.com", "r.example.com", "localhost:5000", "docker.io", "docker.io"]
        );
    }

    #[test]
    fn a_login_goes_to_its_own_registry_and_to_no_other() {
        let logins = logins(&["r.example.com/team"]);
        for own in ["r.example.com/x", "R.EXAMPLE.com/team/x:1", "r.example.com/other/x@sha256:00"] {
            assert!(logins.header_to_ask(own).is_some(), "{own}");
        }
        let foreign = [
            "redis:7",
            "evil.com/x",
            "evil.com/r.example.com/x",
            "r.example.com.evil.com/x",
            "xr.example.com/x",
            "example.com/x",
            "r.example.com:5000/x",
            "r.example.com:443/x",
            "r.example.com",
            "r.example.com:1",
            "r.example.com@evil.com/x",
            "",
            "/r.example.com/x",
        ];
        for image in foreign {
            assert_eq!(logins.header_to_ask(image), None, "{image}");
            assert_eq!(logins.header_to_run(image, Some("r.example.com/x")).as_deref(), Some(ANONYMOUS), "{image}");
        }
        let on_hub = self::logins(&["team"]);
        assert!(on_hub.of_image("redis:7").is_some() && on_hub.of_image("r.example.com/team/x").is_none());
        assert!(!format!("{on_hub:?}").contains("hunter2"));
    }

    #[test]
    fn a_login_that_skep_does_not_know_stays_only_with_its_registry() {
        let nobody = Logins::default();
        assert_eq!(nobody.header_to_run("r.example.com/x:2", Some("r.example.com/x:1")), None);
        assert_eq!(nobody.header_to_run("r.example.com/x", None), None, "there is none yet");
        assert_eq!(nobody.header_to_run("evil.com/x", Some("r.example.com/x")).as_deref(), Some(ANONYMOUS));
        let other = logins(&["other.example.com"]);
        assert_eq!(other.header_to_run("r.example.com/x", Some("r.example.com/x")).as_deref(), Some(ANONYMOUS));
    }

    #[test]
    fn the_engine_is_told_what_docker_tells_it() {
        let json = |prefix: &str| logins(&[prefix]).of_image(&format!("{prefix}/x")).unwrap().to_json();
        insta::assert_snapshot!([json("r.example.com"), json("team"), Login::anonymous().to_json()].join("\n"), @r#"
        {"username":"skep","password":"hunter2","serveraddress":"r.example.com"}
        {"username":"skep","password":"hunter2","serveraddress":"https://index.docker.io/v1/"}
        {}
        "#);
        assert_eq!(Login::anonymous().header(), ANONYMOUS);
    }
}
