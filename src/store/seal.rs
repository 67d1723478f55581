//! Authenticates records: an authenticator in their labels, made with a key that only skep has.
//!
//! Whoever may use the Docker API is root of the swarm. Whoever may only have stack files deployed is not, and must not
//! be able to forge a record. Each of three measures prevents that: stack files may not use names and labels that begin
//! with `skep.` ([`crate::stack::is_reserved`]), a config that belongs to a stack is never a record, and an
//! authenticator over a record's name, data and labels is checked if a key is set.
//!
//! - Without a key, records are written without an authenticator and read unchecked.
//! - A controller that starts with a key for the first time trusts the existing records, adds an authenticator to
//!   each, and creates the config [`MARKER`]. From then on a record without a valid one counts as damaged, if a key is set.
//! - While the marker is there, a skep without the key reads records unchecked, and refuses to write any: they would be
//!   damaged to the controller.
//! - The first of several keys signs, and any of them is accepted. At its start a controller signs records of an older
//!   key
//!   again, so that the older key can be removed afterwards.
//!
//! Not prevented: somebody with access to the Docker API can restore the labels of an earlier phase of the same record.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use super::record::{self, Labels};
use super::{Config, Error, Spec, Store};
use crate::engine::{self, Call, RECORD_LABEL};
use crate::lease::Lease;
use crate::name::Scope;

/// The config that marks the records of this swarm as authenticated.
pub const MARKER: &str = "skep.key";
/// The label that holds the authenticator, in hexadecimal digits.
pub(super) const SEAL_LABEL: &str = "skep.seal";
/// The context of the first format of authenticators, so that the key has no other use.
const CONTEXT: &str = "skep record 1";

/// The label with the scope; absent for the scope without a name.
const SCOPE_LABEL: &str = "skep.scope";

/// The keys that records are authenticated with: the first one signs, any of them verifies. Cheap to clone.
///
/// Each scope of a swarm has keys of its own. What is of another scope bears a label that says so, is checked by the
/// controller of that one, and only tells others that it is not theirs.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: Arc<[SecretString]>,
    pub(super) scope: Scope,
}

/// The result of checking a record's authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seal {
    /// There is no key to check it with, or it is of another scope.
    Unchecked,
    /// It was made with the key that signs.
    Newest,
    /// It was made with another key that is accepted.
    Older,
}

impl Keys {
    /// These keys, the one that signs first.
    pub fn new(keys: Vec<SecretString>) -> Self {
        Self { keys: keys.into(), scope: Scope::default() }
    }

    /// The same keys, for what is of this scope.
    pub(super) fn of(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The name of the config that says that the records of the scope are authenticated.
    fn marker(&self) -> String {
        self.scope.config(MARKER)
    }

    /// Whether a config is of the scope.
    pub(super) fn are_for(&self, labels: &Labels) -> bool {
        labels.get(SCOPE_LABEL).map(String::as_str) == self.scope.name()
    }

    /// Adds the scope to the labels of a record, and an authenticator if there is a key.
    pub(super) fn sign(&self, name: &str, labels: &mut Labels, data: &str) {
        labels.remove(SEAL_LABEL);
        labels.extend(self.scope.name().map(|scope| (SCOPE_LABEL.to_owned(), scope.to_owned())));
        if let Some(key) = self.keys.first() {
            let seal = hex::encode(mac(key, name, labels, data).finalize().into_bytes());
            labels.insert(SEAL_LABEL.to_owned(), seal);
        }
    }

    /// Checks the authenticator of a record, or says what is wrong with it.
    pub(super) fn check(&self, spec: &Spec) -> Result<Seal, &'static str> {
        if self.is_empty() || !self.are_for(&spec.labels) {
            return Ok(Seal::Unchecked);
        }
        let seal = spec.labels.get(SEAL_LABEL).ok_or("it has no authenticator: skep did not write it")?;
        let seal = hex::decode(seal).unwrap_or_default();
        let is_by = |key: &SecretString| mac(key, &spec.name, &spec.labels, &spec.data).verify_slice(&seal).is_ok();
        match self.keys.iter().position(is_by) {
            Some(0) => Ok(Seal::Newest),
            Some(_) => Ok(Seal::Older),
            None => Err("its authenticator is wrong: it was changed, or signed with a key that is not set"),
        }
    }
}

/// The authenticator of a record: HMAC-SHA256 over its name, its data, and all its labels but the authenticator itself,
/// each with its length before it.
fn mac(key: &SecretString, name: &str, labels: &Labels, data: &str) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes keys of any length");
    let labels = labels.iter().filter(|(label, _)| *label != SEAL_LABEL);
    let labels = labels.flat_map(|(label, value)| [label.as_str(), value.as_str()]);
    for field in [CONTEXT, name, data].into_iter().chain(labels) {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field.as_bytes());
    }
    mac
}

impl Store {
    /// Makes sure that the keys are those of the records, and adds an authenticator to records of the time before there
    /// was a key. For a controller, once, before it begins. It may be interrupted anywhere and done again.
    pub async fn authenticate(&self, _: &Lease) -> Result<(), Error> {
        let (configs, marker) = (self.list(record::PREFIX).await?, self.keys.marker());
        let own: Vec<&Config> = configs.iter().filter(|config| self.keys.are_for(&config.spec.labels)).collect();
        let found = own.iter().find(|config| config.spec.name == marker);
        match found.map(|found| self.keys.check(&found.spec)) {
            None if self.keys.is_empty() => return Ok(()),
            Some(Ok(Seal::Unchecked)) => return Err(Error::NoKey),
            Some(Err(_)) => return Err(Error::OtherKey),
            None | Some(Ok(_)) => {}
        }
        let is_first = found.is_none();
        for config in own.iter().filter(|config| config.is_record() || config.spec.name == marker) {
            match self.keys.check(&config.spec) {
                Ok(Seal::Older) => self.sign(config).await?,
                Err(_) if is_first && config.is_readable() => self.sign(config).await?,
                Ok(_) | Err(_) => {}
            }
        }
        if is_first { self.mark().await } else { Ok(()) }
    }

    /// Refuses to write if the records are authenticated and there is no key.
    pub(super) async fn expect_key(&self) -> Result<(), Error> {
        if !self.keys.is_empty() {
            return Ok(());
        }
        match self.engine.call(Call::get(format!("/configs/{}", self.keys.marker()))).await {
            Ok(_) => Err(Error::NoKey),
            Err(engine::Error::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn sign(&self, config: &Config) -> Result<(), Error> {
        let mut labels = config.spec.labels.clone();
        self.keys.sign(&config.spec.name, &mut labels, &config.spec.data);
        let body = serde_json::json!({ "Name": config.spec.name, "Labels": labels });
        let call = Call::post(format!("/configs/{}/update", config.id), body).with("version", config.version.index);
        self.engine.call(call).await?;
        Ok(())
    }

    async fn mark(&self) -> Result<(), Error> {
        let data = record::encoded(b"The records of this swarm are authenticated.");
        let mut labels = Labels::from([(RECORD_LABEL.to_owned(), "1".to_owned())]);
        let name = self.keys.marker();
        self.keys.sign(&name, &mut labels, &data);
        let body = serde_json::json!({ "Name": name, "Labels": labels, "Data": data });
        self.engine.call(Call::post("/configs/create", body)).await?;
        Ok(())
    }
}
