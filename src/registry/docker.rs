//! The user's logins of `docker login`.
//!
//! Read as the Docker CLI does (cli/config/configfile, cli/config/credentials). The crate `docker_credential` (1.4.0)
//! was tried in its place and does not: an empty `credsStore`, which Docker writes, makes it look for a program without
//! a name; an empty `identitytoken` hides the password beside it; `registry.example.com/v1/` without a scheme is not
//! found; the zero bytes after old passwords stay; it cannot tell a program that has no login from one that failed, and
//! waits for one without an end.

use std::collections::BTreeMap;
use std::process::Stdio;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

use super::client::PATIENCE;
use super::login::{Login, server};
use crate::name::RegistryHost;

/// The logins of Docker's own settings.
#[derive(Debug, Default)]
pub struct DockerLogins {
    /// By the name of the registry in the file, such as `registry.example.com` or `https://registry.example.com/v1/`.
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

impl DockerLogins {
    /// Reads the text of the file.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let written: Written = serde_json::from_str(text)?;
        let login = |(server, login): (String, WrittenLogin)| Some((server.clone(), login.read(server)?));
        Ok(Self {
            kept: written.auths.into_iter().filter_map(login).collect(),
            helpers: written.cred_helpers,
            helper: Some(written.creds_store).filter(|helper| !helper.is_empty()),
        })
    }

    /// The login to a registry, if the user has one. The error is that of the program that keeps it, which may not be
    /// there or not answer in time.
    pub async fn of(&self, registry: &RegistryHost) -> std::io::Result<Option<Login>> {
        match self.helper(registry) {
            None => Ok(self.kept(registry).cloned()),
            Some((program, server)) => Ok(from_helper(server, &asked(&program, server).await?)),
        }
    }

    fn kept(&self, registry: &RegistryHost) -> Option<&Login> {
        let server = server(registry);
        let same = |written: &&String| host(written) == server;
        let kept = self.kept.get(server).or_else(|| self.kept.keys().find(same).map(|written| &self.kept[written]));
        kept.filter(|login| !login.username.is_empty() || login.identity.is_some())
    }

    /// The program that keeps the login for a registry, such as `docker-credential-pass`, and what to ask it for.
    fn helper<'a>(&self, registry: &'a RegistryHost) -> Option<(String, &'a str)> {
        let server = server(registry);
        let helper = self.helpers.get(server).or(self.helper.as_ref())?;
        Some((format!("docker-credential-{helper}"), server))
    }
}

/// The answer of a credential helper; a missing login is not an error.
#[expect(clippy::disallowed_methods, reason = "Docker keeps logins in programs of their own")]
async fn asked(program: &str, server: &str) -> std::io::Result<Vec<u8>> {
    let failed =
        |error: std::io::Error| std::io::Error::new(error.kind(), format!("cannot ask {program} for a login: {error}"));
    let mut command = tokio::process::Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed)?;
    let answer = async {
        if let Some(mut input) = child.stdin.take() {
            input.write_all(server.as_bytes()).await?;
        }
        Ok(child.wait_with_output().await?.stdout)
    };
    let answered = tokio::time::timeout(PATIENCE, answer).await;
    answered.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(failed)
}

/// The login in the answer of a credential helper; `None` if it has none.
fn from_helper(server: &str, answer: &[u8]) -> Option<Login> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let Answer { username, secret } = serde_json::from_slice(answer).ok()?;
    // The placeholder for a token instead of a user.
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

/// The host of a registry that is written as an address.
fn host(written: &str) -> &str {
    let rest = written.strip_prefix("http://").or_else(|| written.strip_prefix("https://")).unwrap_or(written);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(prefix: &str) -> RegistryHost {
        RegistryHost::of_prefix(prefix)
    }

    #[test]
    fn a_login_is_found_as_docker_finds_it() {
        let text = r#"{ "auths": {
            "https://index.docker.io/v1/": { "auth": "YWRhOmh1bnRlcjI=" },
            "https://old.example.com/v1/": { "auth": "b2xkOnBhc3M6d29yZA==" },
            "r.example.com:5000": { "auth": "", "identitytoken": "t" },
            "empty.example.com": {}
        }, "credHelpers": { "gcr.io": "gcloud" }, "credsStore": "" }"#;
        let logins = DockerLogins::parse(text).unwrap();
        let json = |registry: &str| logins.kept(&host_of(registry)).map_or("none".to_owned(), Login::to_json);
        let shown = ["docker.io", "old.example.com", "r.example.com:5000", "empty.example.com", "x.com"].map(json);
        insta::assert_snapshot!(shown.join("\n"), @r#"
        {"username":"ada","password":"hunter2","serveraddress":"https://index.docker.io/v1/"}
        {"username":"old","password":"pass:word","serveraddress":"https://old.example.com/v1/"}
        {"serveraddress":"r.example.com:5000","identitytoken":"t"}
        none
        none
        "#);
        assert_eq!(logins.helper(&host_of("gcr.io")), Some(("docker-credential-gcloud".to_owned(), "gcr.io")));
        assert_eq!(logins.helper(&host_of("docker.io")), None);
        assert!(!format!("{logins:?}").contains("hunter2"));
    }

    #[test]
    fn a_program_that_keeps_logins_is_understood() {
        let answer = br#"{"ServerURL":"gcr.io","Username":"<token>","Secret":"s"}"#;
        insta::assert_snapshot!(from_helper("gcr.io", answer).unwrap().to_json(), @r#"{"serveraddress":"gcr.io","identitytoken":"s"}"#);
        assert!(from_helper("gcr.io", b"credentials not found in native keychain").is_none());
    }
}
