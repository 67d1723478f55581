//! A check of a stack's own (`x-skep.check`): what must be so before a release counts as healthy.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Nanos;

/// Something that is asked once every service is up, and what the answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What is asked.
    #[serde(flatten)]
    pub probe: Probe,
    /// How long an answer may take.
    pub timeout: Nanos,
    /// Between two attempts.
    pub interval: Nanos,
    /// After how many wrong answers in a row the release has failed.
    pub retries: u64,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// A request.
    Http(HttpProbe),
    /// A command in a running container of the service; it must end with exit code 0.
    Command(Vec<String>),
    /// A connection to `host:port`; it must be taken.
    Tcp(String),
}

/// A `GET` request, and what its answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpProbe {
    /// Where it goes.
    pub url: String,
    /// The status that it must have.
    #[serde(default)]
    pub expect: Expect,
    /// What its body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The status that an answer must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Expect {
    /// This one.
    Status(u16),
    /// Any of a hundred: 2 is 200 to 299.
    Class(u16),
}

impl Check {
    /// How long an answer may take, unless the file says otherwise.
    pub const TIMEOUT: Nanos = Nanos::seconds(5);
    /// The longest that an answer may take.
    pub const LONGEST_TIMEOUT: Nanos = Nanos::seconds(30);
    /// Between two attempts, unless the file says otherwise.
    pub const INTERVAL: Nanos = Nanos::seconds(2);
    /// With the interval half a minute: Traefik looks for new services every 15 seconds, unless it is told otherwise.
    pub const RETRIES: u64 = 15;

    /// Whether it goes out from skep, so that what answers may be anything at the address.
    pub fn is_from_outside(&self) -> bool {
        matches!(self.probe, Probe::Http(_) | Probe::Tcp(_))
    }

    /// The check with the usual patience.
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
    /// Whether an answer of this status is the one that is waited for.
    pub fn is(self, status: u16) -> bool {
        match self {
            Self::Status(wanted) => status == wanted,
            Self::Class(class) => status / 100 == class,
        }
    }

    /// Whether it is a redirect that is waited for, and not where it leads.
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

/// It is neither a status nor a class of them.
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
