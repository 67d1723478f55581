//! The interface of a kind of forge, and the common form of webhooks.

use std::borrow::Cow;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use secrecy::SecretString;
use serde::Deserialize;

use super::proof::{Refused, text};
use super::report::{Project, Report, Status};
use crate::name::CommitId;

/// A kind of forge.
pub(super) trait Kind: Sync {
    /// Its names in the settings.
    fn names(&self) -> &'static [&'static str];

    /// Its name for users.
    fn title(&self) -> &'static str;

    /// The address of the public instance, if there is one.
    fn home(&self) -> Option<&'static str> {
        None
    }

    /// Checks the headers alone, before the body is read.
    fn admits(&self, headers: &HeaderMap, secrets: &[SecretString]) -> Result<(), Refused>;

    /// Verifies a webhook that passed [`Kind::admits`] against the secrets.
    fn verify(&self, headers: &HeaderMap, body: &[u8], secrets: &[SecretString], now: Timestamp)
    -> Result<(), Refused>;

    /// The signed part of the proof, the same for the same webhook however its headers are written.
    fn mark(&self, headers: &HeaderMap) -> Option<Vec<u8>>;

    /// Reads a webhook that was verified.
    fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, Malformed>;

    /// The request that reports the state of a commit.
    fn report(&self, project: &Project, status: &Status) -> Report;

    /// Whether a refusal only means that the commit already has that state.
    fn is_known_already(&self, _status: u16, _answer: &str) -> bool {
        false
    }

    /// The required permissions of the token, for the error message.
    fn needs(&self) -> &'static str;
}

/// The contents of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A branch or tag was moved, made or deleted.
    Pushed(Pushed),
    /// A test of the webhook by the forge.
    Ping,
    /// An event that skep ignores, described in words.
    Other(String),
}

/// A branch or tag that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The repository as the forge calls it, such as `team/shop`; for the log only.
    pub project: String,
    /// What was pushed.
    pub reference: Reference,
    /// The commit that it names now; `None` if it was deleted.
    pub commit: Option<CommitId>,
    /// Who pushed, as the forge calls them.
    pub pusher: String,
}

/// A pushed ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A branch, without `refs/heads/`.
    Branch(String),
    /// A tag, without `refs/tags/`.
    Tag(String),
}

/// Why an authentic webhook is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) String);

impl Notice {
    /// A push as every forge has it: the full name of what was pushed, and the commit that it names now, which is all
    /// zeros for one that was deleted.
    pub(super) fn pushed(project: String, full_name: &str, after: &str, pusher: String) -> Result<Self, Malformed> {
        let commit: CommitId = after.parse().map_err(|invalid| Malformed(format!("{invalid}")))?;
        let is_deleted = commit.as_str().bytes().all(|digit| digit == b'0');
        let branch = full_name.strip_prefix("refs/heads/").map(|name| Reference::Branch(name.to_owned()));
        let tag = || full_name.strip_prefix("refs/tags/").map(|name| Reference::Tag(name.to_owned()));
        let Some(reference) = branch.or_else(tag) else {
            return Ok(Self::Other("a push of neither a branch nor a tag".into()));
        };
        Ok(Self::Pushed(Pushed { project, reference, commit: (!is_deleted).then_some(commit), pusher }))
    }

    /// An event that has no use, by the forge's name for it.
    pub(super) fn other(event: &str) -> Self {
        let shown: String = event.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(40).collect();
        Self::Other(if shown.is_empty() { "a request without an event".into() } else { format!("the event `{shown}`") })
    }
}

/// Reads JSON that is the body, or the field `payload` of a form.
pub(super) fn payload<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| Malformed(error.to_string()))
}

/// The JSON of a webhook whose sender can be set to send it as a form.
pub(super) fn json<'a>(headers: &HeaderMap, body: &'a [u8]) -> Cow<'a, [u8]> {
    if !text(headers, CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded") {
        return Cow::Borrowed(body);
    }
    let field = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    Cow::Owned(field.map(|(_, value)| value.into_owned().into_bytes()).unwrap_or_default())
}
