//! Logins to the registries of images that skep does not build.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Settings;
use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::RegistryHost;

/// Logins to registries, by host.
pub type Registries = BTreeMap<String, Account>;

/// A login to a registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The name of the user.
    pub username: String,
    /// The file that holds the password or token.
    pub password_file: PathBuf,
}

impl Settings {
    /// Checks that each key is a host, and has one login.
    pub(super) fn check_registries(&self) -> Result<(), Diagnostic<KeyPath>> {
        let default = self.registry.as_ref().map(|registry| RegistryHost::of_prefix(&registry.prefix));
        for key in self.registries.keys() {
            let host = RegistryHost::of_prefix(key);
            if host.as_str() != key {
                let message = format!("`registries`: `{key}` is not the host of a registry");
                return Err(Diagnostic::new(KeyPath::of(["registries", key]), message).help(
                    "write it as images name it, in lower case, such as ghcr.io, registry.example.com:5000, or docker.io",
                ));
            }
            if default.as_ref() == Some(&host) {
                let message = format!("`registries`: {key} is the registry of `registry`");
                return Err(Diagnostic::new(KeyPath::of(["registries", key]), message).help("its login is set there"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_for_a_host() {
        let read = |registries: &str| {
            let text = format!("registry: {{ prefix: r.example.com/team }}\nregistries: {{ {registries} }}");
            Settings::parse(&text)
                .map_or_else(|error| error.to_string(), |settings| format!("{:?}", settings.registries.keys()))
        };
        let account = "{ username: ada, password_file: /run/secrets/x }";
        let keys = [
            "ghcr.io",
            "docker.io",
            "'localhost:5000'",
            "ghcr.io/team",
            "https://ghcr.io",
            "index.docker.io",
            "GHCR.io",
            "team",
            "r.example.com",
        ];
        let shown = keys.map(|key| read(&format!("{key}: {account}")));
        insta::assert_snapshot!(shown.join("\n"), @r#"
        ["ghcr.io"]
        ["docker.io"]
        ["localhost:5000"]
        `registries`: `ghcr.io/team` is not the host of a registry; write it as images name it, in lower case, such as ghcr.io, registry.example.com:5000, or docker.io
        `registries`: `https://ghcr.io` is not the host of a registry; write it as images name it, in lower case, such as ghcr.io, registry.example.com:5000, or docker.io
        `registries`: `index.docker.io` is not the host of a registry; write it as images name it, in lower case, such as ghcr.io, registry.example.com:5000, or docker.io
        `registries`: `GHCR.io` is not the host of a registry; write it as images name it, in lower case, such as ghcr.io, registry.example.com:5000, or docker.io
        `registries`: `team` is not the host of a registry; write it as images name it, in lower case, such as ghcr.io, registry.example.com:5000, or docker.io
        `registries`: r.example.com is the registry of `registry`; its login is set there
        "#);
    }
}
