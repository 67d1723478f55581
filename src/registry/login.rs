//! Registry logins: each is used only for images of its own registry.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use secrecy::{ExposeSecret as _, SecretString};

use crate::name::{HUB, ImageReference, RegistryHost};

/// Docker's name for the registry in a login.
pub const HUB_LOGIN: &str = "https://index.docker.io/v1/";
/// The `X-Registry-Auth` for no login: an empty object.
const ANONYMOUS: &str = "e30=";

/// Docker's name for a registry in a login.
pub(super) fn server(registry: &RegistryHost) -> &str {
    if registry.as_str() == HUB { HUB_LOGIN } else { registry.as_str() }
}

/// A login to a registry.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name of the user.
    pub username: String,
    /// The password, or a token instead.
    pub password: SecretString,
    /// A token that replaces user and password.
    pub identity: Option<SecretString>,
    /// Docker's name for the registry.
    pub server: String,
}

impl Login {
    /// The login of a user with a password to a registry.
    pub fn new(registry: &RegistryHost, username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        let server = server(registry).to_owned();
        Self { username: username.into(), password: password.into(), identity: None, server }
    }

    /// The empty login, which Docker sends as an empty object.
    pub fn anonymous() -> Self {
        Self { username: String::new(), password: String::new().into(), identity: None, server: String::new() }
    }

    /// The `AuthConfig` object that the engine expects, in JSON.
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    fn to_value(&self) -> serde_json::Value {
        let identity = self.identity.as_ref().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
        let fields = [
            ("username", self.username.as_str()),
            ("password", self.password.expose_secret()),
            ("serveraddress", self.server.as_str()),
            ("identitytoken", identity.as_str()),
        ];
        let said = fields.into_iter().filter(|(_, value)| !value.is_empty());
        said.collect()
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

    /// The login for an image; `None` for an invalid name, which has no registry.
    pub fn of_image(&self, image: &str) -> Option<&Login> {
        let image = ImageReference::parse(image).ok().filter(|image| image.check_digest().is_ok())?;
        self.0.get(&image.registry())
    }

    /// All logins.
    pub fn all(&self) -> impl Iterator<Item = &Login> {
        self.0.values()
    }

    /// The `X-Registry-Config` of a build without a session: all logins, by what Docker calls their registries. None if no
    /// login is known.
    pub fn header_to_build(&self) -> Option<String> {
        let by_server = |login: &Login| (login.server.clone(), login.to_value());
        let logins: serde_json::Value = self.all().map(by_server).collect();
        (!self.0.is_empty()).then(|| URL_SAFE.encode(logins.to_string()))
    }

    /// The `X-Registry-Auth` for a request about an image.
    pub fn header_to_ask(&self, image: &str) -> Option<String> {
        self.of_image(image).map(Login::header)
    }

    /// The `X-Registry-Auth` for a service that will run an image, and may run another one now.
    ///
    /// Without the header the engine keeps the login that the service was written with last, and its nodes send that to
    /// the registry of the new image. So it is left out only where no login is known at all, and the registry stays.
    pub fn header_to_run(&self, image: &str, running: Option<&str>) -> Option<String> {
        let stays = running.is_none_or(|it| ImageReference::of(it).registry() == ImageReference::of(image).registry());
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
    fn a_login_goes_to_its_own_registry_and_to_no_other() {
        let (on_hub, logins) = (self::logins(&["team"]), logins(&["r.example.com/team"]));
        let digest = "0".repeat(64);
        let pinned = format!("r.example.com/other/x@sha256:{digest}");
        for own in ["r.example.com/x", "R.EXAMPLE.com/team/x:1", &pinned] {
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
            "r.example.com/x@evil.com/x",
            "r.example.com/x@sha256:00",
            "r.example.com/../evil.com/x",
            "r.example.com/x?y=evil.com/x",
            "",
            "/r.example.com/x",
        ];
        for image in foreign {
            assert_eq!(logins.header_to_ask(image), None, "{image}");
            assert_eq!(logins.header_to_run(image, Some("r.example.com/x")).as_deref(), Some(ANONYMOUS), "{image}");
            let is_on_hub = matches!(image, "redis:7" | "r.example.com" | "r.example.com:1");
            assert_eq!(on_hub.header_to_ask(image).is_some(), is_on_hub, "{image}");
        }
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
        let header = logins(&["r.example.com", "team"]).header_to_build().unwrap();
        let decoded = String::from_utf8(URL_SAFE.decode(header).unwrap()).unwrap();
        insta::assert_snapshot!(decoded, @r#"{"https://index.docker.io/v1/":{"username":"skep","password":"hunter2","serveraddress":"https://index.docker.io/v1/"},"r.example.com":{"username":"skep","password":"hunter2","serveraddress":"r.example.com"}}"#);
        assert_eq!(Logins::default().header_to_build(), None);
    }
}
