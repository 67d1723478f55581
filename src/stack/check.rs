//! A stack's own check (`x-skep.check`), which must pass before a release counts as healthy.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Nanos;

/// A probe that is made once every service is up, and its expected result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The probe.
    #[serde(flatten)]
    pub probe: Probe,
    /// How long an attempt may take.
    pub timeout: Nanos,
    /// The time between two attempts.
    pub interval: Nanos,
    /// How many attempts in a row must fail for the release to fail.
    pub retries: u64,
}

/// The probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// An HTTP request.
    Http(HttpProbe),
    /// A command in a running container of the service; its exit code must be 0.
    Command(Vec<String>),
    /// A connection to `host:port`, which must be accepted.
    Tcp(String),
}

/// A `GET` request and its expected response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpProbe {
    /// The URL.
    pub url: String,
    /// The expected status.
    #[serde(default)]
    pub expect: Expect,
    /// A text that the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The expected status of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Expect {
    /// This status.
    Status(u16),
    /// A class of statuses: 2 is 200 to 299.
    Class(u16),
}

impl Check {
    /// The default of `timeout`.
    pub const TIMEOUT: Nanos = Nanos::seconds(5);
    /// The longest `timeout`.
    pub const LONGEST_TIMEOUT: Nanos = Nanos::seconds(30);
    /// The default of `interval`.
    pub const INTERVAL: Nanos = Nanos::seconds(2);
    /// The default of `retries`: half a minute in all, since Traefik polls for services every 15 seconds by default.
    pub const RETRIES: u64 = 15;

    /// Whether skep itself connects to an address, which may belong to anything.
    pub fn is_from_outside(&self) -> bool {
        matches!(self.probe, Probe::Http(_) | Probe::Tcp(_))
    }

    /// A check with the default timeouts.
    pub fn new(probe: Probe) -> Self {
        Self { probe, timeout: Self::TIMEOUT, interval: Self::INTERVAL, retries: Self::RETRIES }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.probe {
            Probe::Http(probe) => write!(f, "{}", probe.url),
            Probe::Command(words) => write!(f, "`{}`", words.join(" ")),
            Probe::Tcp(address) => write!(f, "tcp {address}"),
        }
    }
}

impl Expect {
    /// Whether a status is expected.
    pub fn is(self, status: u16) -> bool {
        match self {
            Self::Status(wanted) => status == wanted,
            Self::Class(class) => status / 100 == class,
        }
    }

    /// Whether a redirect is expected, so that it is not followed.
    pub fn is_redirect(self) -> bool {
        match self {
            Self::Status(status) => status / 100 == 3,
            Self::Class(class) => class == 3,
        }
    }
}

impl Default for Expect {
    fn default() -> Self {
        Self::Class(2)
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

impl From<Expect> for String {
    fn from(expect: Expect) -> Self {
        expect.to_string()
    }
}

/// The error for a text that is neither a status nor a class of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a status such as `200`, nor a class such as `2xx`")]
pub struct NoStatus;

impl TryFrom<String> for Expect {
    type Error = NoStatus;

    fn try_from(text: String) -> Result<Self, NoStatus> {
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(NoStatus);
        }
        let number = |digits: &str| digits.parse::<u16>().map_err(|_| NoStatus);
        match text.strip_suffix("xx") {
            Some(class) => {
                number(class).and_then(|class| (1..=5).contains(&class).then_some(Self::Class(class)).ok_or(NoStatus))
            }
            None => number(&text)
                .and_then(|status| (100..=599).contains(&status).then_some(Self::Status(status)).ok_or(NoStatus)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_or_a_class_is_expected() {
        let read = |text: &str| Expect::try_from(text.to_owned()).map(|expect| expect.to_string());
        for text in ["200", "404", "2xx", "5xx"] {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        for text in ["", "2", "20x", "99", "600", "xx", "22xx", "200xx", "+2xx"] {
            assert_eq!(read(text), Err(NoStatus), "{text}");
        }
        assert!(Expect::Class(2).is(204) && !Expect::Class(2).is(302) && Expect::Status(302).is_redirect());
    }

    #[test]
    fn a_record_keeps_it() {
        let probe = Probe::Http(HttpProbe { url: "http://a/".into(), expect: Expect::Status(204), body: None });
        let check = Check::new(probe);
        let text = serde_json::to_string(&check).unwrap();
        insta::assert_snapshot!(text, @r#"{"http":{"url":"http://a/","expect":"204"},"timeout":5000000000,"interval":2000000000,"retries":15}"#);
        assert_eq!(serde_json::from_str::<Check>(&text).unwrap(), check);
    }
}
