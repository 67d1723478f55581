//! The registries that this user has logged in to with `docker login`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde::Deserialize;

use super::{Error, variable};
use crate::engine::login::{HUB, HUB_LOGIN, Login};

/// The logins of Docker's own settings, `~/.docker/config.json`.
#[derive(Debug, Default)]
pub struct DockerLogins {
    /// By what the registry is called there, such as `registry.example.com` or `https://registry.example.com/v1/`.
    kept: BTreeMap<String, Login>,
    /// The programs that keep logins, by registry, and the one for all others.
    helpers: BTreeMap<String, String>,
    helper: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    auths: BTreeMap<String, WrittenLogin>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WrittenLogin {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

/// The context that this user's `docker` talks to, unless it is the usual one. skep does not read contexts.
pub fn context() -> Option<String> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Chosen {
        current_context: String,
    }
    let written = || {
        let text = fs::read_to_string(settings_file()?).ok()?;
        Some(serde_json::from_str::<Chosen>(&text).ok()?.current_context)
    };
    let name = variable("DOCKER_CONTEXT").or_else(written)?;
    Some(name).filter(|name| !name.is_empty() && name != "default")
}

/// Where Docker keeps this user's settings.
fn settings_file() -> Option<PathBuf> {
    let folder = variable("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")));
    folder.map(|folder| folder.join("config.json"))
}

impl DockerLogins {
    /// Those of this user; none if there is no such file.
    pub fn load() -> Result<Self, Error> {
        let Some(path) = settings_file() else { return Ok(Self::default()) };
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::Unreadable { path, source }),
            Ok(text) => Self::parse(&text).map_err(|message| Error::Malformed { path, message }),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let login = |(server, login): (String, WrittenLogin)| Some((server.clone(), login.read(server)?));
        Ok(Self {
            kept: written.auths.into_iter().filter_map(login).collect(),
            helpers: written.cred_helpers,
            helper: Some(written.creds_store).filter(|helper| !helper.is_empty()),
        })
    }

    /// The login for a registry, which is `docker.io` for Docker Hub.
    pub fn of(&self, registry: &str) -> Option<&Login> {
        let server = server(registry);
        let same = |written: &&String| host(written) == server;
        let kept = self.kept.get(server).or_else(|| self.kept.keys().find(same).map(|written| &self.kept[written]));
        kept.filter(|login| !login.username.is_empty() || login.identity.is_some())
    }

    /// The program that keeps the login for a registry, such as `docker-credential-pass`, and what to ask it for.
    pub fn helper<'a>(&self, registry: &'a str) -> Option<(String, &'a str)> {
        let server = server(registry);
        let helper = self.helpers.get(server).or(self.helper.as_ref())?;
        Some((format!("docker-credential-{helper}"), server))
    }
}

/// The login that a program which keeps logins answers; `None` if it has none.
pub fn from_helper(server: &str, answer: &[u8]) -> Option<Login> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let Answer { username, secret } = serde_json::from_slice(answer).ok()?;
    // The name that stands for a token instead of a user.
    let is_token = username == "<token>";
    Some(Login {
        identity: is_token.then(|| secret.clone().into()),
        username: if is_token { String::new() } else { username },
        password: if is_token { String::new().into() } else { secret.into() },
        server: server.to_owned(),
    })
}

impl WrittenLogin {
    fn read(self, server: String) -> Option<Login> {
        let identity = Some(self.identitytoken).filter(|token| !token.is_empty()).map(SecretString::from);
        if self.auth.is_empty() {
            return Some(Login { username: self.username, password: self.password.into(), identity, server });
        }
        let decoded = String::from_utf8(STANDARD.decode(self.auth).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        let password = password.trim_matches('\0').to_owned();
        Some(Login { username: username.to_owned(), password: password.into(), identity, server })
    }
}

fn server(registry: &str) -> &str {
    if registry == HUB { HUB_LOGIN } else { registry }
}

/// The host of a registry that is written as an address.
fn host(written: &str) -> &str {
    let rest = written.strip_prefix("http://").or_else(|| written.strip_prefix("https://")).unwrap_or(written);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_found_as_docker_finds_it() {
        let text = r#"{ "auths": {
            "https://index.docker.io/v1/": { "auth": "YWRhOmh1bnRlcjI=" },
            "https://old.example.com/v1/": { "auth": "b2xkOnBhc3M6d29yZA==" },
            "r.example.com:5000": { "auth": "", "identitytoken": "t" },
            "empty.example.com": {}
        }, "credHelpers": { "gcr.io": "gcloud" }, "credsStore": "" }"#;
        let logins = DockerLogins::parse(text).unwrap();
        let json = |registry: &str| logins.of(registry).map_or("none".to_owned(), Login::to_json);
        let shown = ["docker.io", "old.example.com", "r.example.com:5000", "empty.example.com", "x.com"].map(json);
        insta::assert_snapshot!(shown.join("\n"), @r#"
        {"username":"ada","password":"hunter2","serveraddress":"https://index.docker.io/v1/"}
        {"username":"old","password":"pass:word","serveraddress":"https://old.example.com/v1/"}
        {"serveraddress":"r.example.com:5000","identitytoken":"t"}
        none
        none
        "#);
        assert_eq!(logins.helper("gcr.io"), Some(("docker-credential-gcloud".to_owned(), "gcr.io")));
        assert_eq!(logins.helper("docker.io"), None);
        assert!(!format!("{logins:?}").contains("hunter2"));
    }

    #[test]
    fn a_program_that_keeps_logins_is_understood() {
        let answer = br#"{"ServerURL":"gcr.io","Username":"<token>","Secret":"s"}"#;
        insta::assert_snapshot!(from_helper("gcr.io", answer).unwrap().to_json(), @r#"{"serveraddress":"gcr.io","identitytoken":"s"}"#);
        assert!(from_helper("gcr.io", b"credentials not found in native keychain").is_none());
    }
}
