//! The address of a watched repository, and its credentials.

use std::fmt;

use secrecy::SecretString;
use url::Url;

use super::Error;

/// The address of a repository that skep may fetch from. It contains no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote(String);

/// A user and a token.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name. GitLab accepts any with a token; `oauth2` is customary.
    pub user: String,
    /// The token. It is sent only to the repository's server.
    pub token: SecretString,
}

impl Remote {
    /// Checks an address: `https://`, `http://`, `file://`, or an absolute path. Credentials in it are removed and
    /// returned.
    pub fn parse(text: &str) -> Result<(Self, Option<Credentials>), Error> {
        let refused = |url: String, reason: &str| Error::Address { url, reason: reason.to_owned() };
        let text = text.trim();
        // `Url` drops tabs and line breaks in an address, which would then differ from the text.
        if text.contains(char::is_control) {
            return Err(refused(
                without_userinfo(text),
                "there is a tab, a line break or another control character in it",
            ));
        }
        if text.starts_with('/') {
            return Ok((Self(text.to_owned()), None));
        }
        let Ok(mut url) = Url::parse(text) else {
            return Err(refused(without_userinfo(text), advice(text)));
        };
        let credentials = credentials_in(&url);
        if !url.cannot_be_a_base() && url.has_host() {
            // These two cannot fail for an address with a host.
            _ = url.set_username("");
            _ = url.set_password(None);
        }
        match url.scheme() {
            "https" | "http" if url.has_host() => Ok((Self(url.into()), credentials)),
            "file" if !url.has_host() => Ok((Self(url.into()), None)),
            _ => Err(refused(without_userinfo(text), advice(text))),
        }
    }

    /// The address for Git.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn credentials_in(url: &Url) -> Option<Credentials> {
    let token = url.password().map(decoded)?;
    Some(Credentials { user: decoded(url.username()), token: token.into() })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The help for an address that is refused.
fn advice(text: &str) -> &'static str {
    if text.contains("::") {
        "remote helpers run programs; write the https address"
    } else if text.starts_with("ssh:") || text.contains('@') {
        "ssh is not supported yet; use the https address and a token"
    } else {
        "write an https address, such as https://gitlab.example.com/team/shop.git, or an absolute path"
    }
}

/// The text without the part before an `@`, which may be a password.
fn without_userinfo(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let shown: String = rest.chars().take(200).flat_map(char::escape_default).collect();
    if scheme.is_empty() { shown } else { format!("{scheme}://{shown}") }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn only_addresses_that_run_nothing_are_taken() {
        let taken = ["https://gitlab.example.com/a/b.git", "http://10.0.0.1:3000/b.git", "file:///srv/b.git", "/srv/b"];
        assert!(taken.iter().all(|text| Remote::parse(text).is_ok()));
        assert_eq!(Remote::parse(" /srv/b\n").unwrap().0.as_str(), "/srv/b");
        let reasons: Vec<String> = [
            "ext::sh -c 'touch /tmp/x'",
            "ssh://git:s3cret@gitlab.example.com/a/b",
            "git@gitlab.example.com:a/b.git",
            "--upload-pack=touch /tmp/x",
            "../b",
            "file://host/b",
            "git://u:s3cret@host/b",
            "",
            "file:h:\t.\n/",
            "/srv/b\n.git",
        ]
        .iter()
        .map(|text| Remote::parse(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(reasons.join("\n"), @r"
        cannot fetch from ext::sh -c \'touch /tmp/x\': remote helpers run programs; write the https address
        cannot fetch from ssh://gitlab.example.com/a/b: ssh is not supported yet; use the https address and a token
        cannot fetch from gitlab.example.com:a/b.git: ssh is not supported yet; use the https address and a token
        cannot fetch from --upload-pack=touch /tmp/x: write an https address, such as https://gitlab.example.com/team/shop.git, or an absolute path
        cannot fetch from ../b: write an https address, such as https://gitlab.example.com/team/shop.git, or an absolute path
        cannot fetch from file://host/b: write an https address, such as https://gitlab.example.com/team/shop.git, or an absolute path
        cannot fetch from git://host/b: ssh is not supported yet; use the https address and a token
        cannot fetch from : write an https address, such as https://gitlab.example.com/team/shop.git, or an absolute path
        cannot fetch from file:h:\t.\n/: there is a tab, a line break or another control character in it
        cannot fetch from /srv/b\n.git: there is a tab, a line break or another control character in it
        ");
    }

    #[test]
    fn credentials_leave_the_address() {
        let (remote, credentials) = Remote::parse("https://ci:s3%2Bcret+&=@gitlab.example.com/b.git").unwrap();
        let credentials = credentials.unwrap();
        assert_eq!(remote.as_str(), "https://gitlab.example.com/b.git");
        assert_eq!((credentials.user.as_str(), credentials.token.expose_secret()), ("ci", "s3+cret+&="));
        assert!(!format!("{remote:?}{credentials:?}").contains("s3"));
    }
}
