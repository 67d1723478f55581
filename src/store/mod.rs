//! Releases, kept in Swarm configs.
//!
//! A release is one config, `skep.<stack>.r<N>`: its payload never changes, and its phase is in a label, which is
//! changed by compare-and-swap. The name is the lock: a number can be taken only once. Older
//! releases lose their desired stack and keep the rest (`skep.<stack>.r<N>.thin`); finally they are removed.
//!
//! The intent of a commit is kept in the same way ([`Intents`]), so that all stacks of a commit can be resumed.
//!
//! Damaged records are reported beside the readable ones ([`Damaged`]): a history with a gap is not a stack without
//! history. A record can have an authenticator, so that only skep can create one: see [`Keys`] and `seal.rs`. A config
//! that belongs to a stack is never a record, whatever its name. No value of a secret is ever in a record
//! ([`crate::stack::Secret`]).

mod command;
mod intent;
mod note;
mod record;
mod seal;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use crate::engine::{self, Call, Engine};
use crate::lease::Lease;
use crate::name::{Scope, StackName};
use crate::release::{Origin, Phase, Release, ReleaseId};
use crate::stack::NAMESPACE_LABEL;
use record::{Labels, Name, Shape};
use seal::SEAL_LABEL;

pub use command::{Age, Progress, Submitted, is_command};
pub use intent::Intents;
pub use note::{Note, Request, is_registration, is_request};
pub use record::{PREFIX, read as read_release};
pub use seal::{Keys, MARKER};

/// The least number of releases of a stack that are kept.
pub const KEPT: usize = 10;

/// The records of releases in the swarm of an engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Engine,
    keys: Keys,
}

/// The records of one stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records {
    /// Its releases, oldest first.
    pub releases: Vec<Release>,
    /// Damaged records.
    pub damaged: Vec<Damaged>,
}

/// The records of all stacks, still compressed.
#[derive(Debug)]
pub struct Archive {
    stacks: BTreeMap<StackName, Vec<Config>>,
    keys: Keys,
}

impl Archive {
    /// The stacks that have records.
    pub fn stacks(&self) -> impl Iterator<Item = &StackName> {
        self.stacks.keys()
    }

    /// The records of one stack, like [`Store::history`].
    pub fn records(&self, stack: &StackName) -> Records {
        let configs = self.stacks.get(stack).cloned().unwrap_or_default();
        read(configs, &self.keys).remove(stack).unwrap_or_default()
    }
}

/// A damaged record: truncated, changed by hand, or of a newer skep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The name of the config.
    pub name: String,
    /// What is wrong with it, for users.
    pub why: String,
}

/// An error of reading or writing records.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine did not respond, or refused.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A release with this number, or another config with the name of its record, exists.
    #[error(
        "release {id} of {stack} exists already; if `skep history {stack}` does not show it, look at the config `{PREFIX}{stack}.{id}`, and remove it"
    )]
    Taken {
        /// The stack.
        stack: StackName,
        /// The number.
        id: ReleaseId,
    },
    /// The phase has changed since it was read. Read the history, and decide again.
    #[error("release {id} of {stack} was changed by somebody else in the meantime")]
    OutOfSequence {
        /// The stack.
        stack: StackName,
        /// The release.
        id: ReleaseId,
    },
    /// There is no readable record of this release.
    #[error("there is no record of release {id} of {stack}")]
    Missing {
        /// The stack.
        stack: StackName,
        /// The release.
        id: ReleaseId,
    },
    /// A newer commit of the repository was recorded, or the record was removed.
    #[error("a newer commit of {repository} took the place of this one")]
    Replaced {
        /// The repository.
        repository: String,
    },
    /// The record of a commit changed concurrently. Retry.
    #[error("the record of the commit of {repository} was changed by somebody else in the meantime")]
    Contended {
        /// The repository.
        repository: String,
    },
    /// The commit has more stacks than a record holds.
    #[error("the commit of {repository} has more stacks than a record holds; move some of them to another repository")]
    TooManyStacks {
        /// The repository.
        repository: String,
    },
    /// The stack is too big for a record: Swarm keeps a config below 1000 KiB.
    #[error("the record of {stack} would have {kib} KiB, and {max} at most fit", max = record::MAX_PAYLOAD >> 10)]
    TooBig {
        /// The stack.
        stack: StackName,
        /// The size after compression.
        kib: usize,
    },
    /// The stack is too big for a record: skep would refuse to read it.
    #[error(
        "the record of {stack} would have {mib} MiB before compression, and {max} at most are read again; its configs are the place to save",
        max = record::MAX_UNFOLDED >> 20
    )]
    TooLong {
        /// The stack.
        stack: StackName,
        /// The size before compression, rounded up.
        mib: usize,
    },
    /// The record could not be read back.
    #[error("the record of {stack} could not be read again: {why}")]
    Unreadable {
        /// The stack.
        stack: StackName,
        /// What is wrong with it.
        why: String,
    },
    /// The records are authenticated, but there is no key for writing.
    #[error(
        "the records in this swarm are authenticated, and no key for them is set; name its file in `record_key_files` or SKEP_RECORD_KEY_FILE, or run the command in skep's own container: docker exec $(docker ps -qf name=skep_skep) skep ..."
    )]
    NoKey,
    /// The records are authenticated with another key.
    #[error(
        "the records in this swarm are authenticated with another key than those in `record_key_files`; add the file of that key after the first one, or, if it is lost and the records can be trusted as they are, remove the config `{MARKER}`"
    )]
    OtherKey,
}

impl Error {
    /// Whether a retry may succeed without any other change.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Engine(error) => error.is_transient(),
            Self::OutOfSequence { .. } | Self::Contended { .. } => true,
            Self::Taken { .. }
            | Self::Missing { .. }
            | Self::TooBig { .. }
            | Self::TooLong { .. }
            | Self::Unreadable { .. }
            | Self::Replaced { .. }
            | Self::TooManyStacks { .. }
            | Self::NoKey
            | Self::OtherKey => false,
        }
    }
}

impl Store {
    /// A store of the records in the engine's swarm.
    pub fn new(engine: Engine) -> Self {
        Self { engine, keys: Keys::default() }
    }

    /// Sets the keys that authenticate records.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys: keys.of(self.keys.scope), ..self }
    }

    /// The same records, as the controller of this scope sees them: repositories of other scopes have other names
    /// ([`Repository::is_foreign`](crate::name::Repository::is_foreign)).
    #[must_use]
    pub fn with_scope(self, scope: Scope) -> Self {
        Self { keys: self.keys.of(scope), ..self }
    }

    /// Whether there is a key that records are checked with.
    pub fn is_authenticated(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether the swarm's managers answer: a question about a record that does not exist, which costs nothing and
    /// which only a manager of a swarm that has a leader can answer.
    pub async fn ping(&self) -> Result<(), Error> {
        self.list("skep.ping").await.map(drop)
    }

    /// The records of one stack. One request.
    pub async fn history(&self, stack: &StackName) -> Result<Records, Error> {
        let configs = self.list(&Name::prefix(stack)).await?;
        Ok(read(configs, &self.keys).remove(stack).unwrap_or_default())
    }

    /// The records of all stacks. One request.
    pub async fn stacks(&self) -> Result<BTreeMap<StackName, Records>, Error> {
        Ok(read(self.list(record::PREFIX).await?, &self.keys))
    }

    /// The records of all stacks, still compressed, since they are some twenty times as large uncompressed. One request.
    pub async fn archive(&self) -> Result<Archive, Error> {
        let mut stacks: BTreeMap<StackName, Vec<Config>> = BTreeMap::new();
        for config in self.list(record::PREFIX).await? {
            if let Some(name) = config.name() {
                stacks.entry(name.stack).or_default().push(config);
            }
        }
        Ok(Archive { stacks, keys: self.keys.clone() })
    }

    /// Records a new release. Its number must be free.
    pub async fn add(&self, _: &Lease, release: &Release) -> Result<(), Error> {
        self.create(release, Shape::Full).await
    }

    /// Moves a release from the phase that the caller has read to another.
    pub async fn set_phase(
        &self,
        _: &Lease,
        stack: &StackName,
        id: ReleaseId,
        seen: &Phase,
        phase: &Phase,
    ) -> Result<(), Error> {
        let overtaken = || Error::OutOfSequence { stack: stack.clone(), id };
        let config = self.find(stack, id).await?;
        let release = config.authentic(&self.keys).map_err(|_| Error::Missing { stack: stack.clone(), id })?;
        if release.phase != record::bounded(seen) {
            return Err(overtaken());
        }
        let changed = self.relabel(config, record::PHASE_LABEL, record::phase_label(phase)).await?;
        if changed { Ok(()) } else { Err(overtaken()) }
    }

    /// Changes a label of a config by compare-and-swap; returns whether it succeeded.
    async fn relabel(&self, config: Config, label: &str, value: String) -> Result<bool, Error> {
        let mut labels = config.spec.labels;
        if self.keys.is_empty() && labels.contains_key(SEAL_LABEL) {
            return Err(Error::NoKey);
        }
        labels.insert(label.to_owned(), value);
        self.keys.sign(&config.spec.name, &mut labels, &config.spec.data);
        let body = serde_json::json!({ "Name": config.spec.name, "Labels": labels });
        let call = Call::post(format!("/configs/{}/update", config.id), body).with("version", config.version.index);
        match self.engine.call(call).await {
            Err(engine::Error::Refused { message, .. }) if message.contains("out of sequence") => Ok(false),
            outcome => Ok(outcome.map(|_| true)?),
        }
    }

    /// Thins the history of a stack: the newest [`KEPT`] releases and those in `whole` are kept, and only
    /// those in `whole` keep their desired stack. Damaged records are not changed.
    ///
    /// It may be interrupted anywhere: a record is removed only after its thin one exists, and if both exist,
    /// the whole one counts.
    pub async fn thin(&self, _: &Lease, stack: &StackName, whole: &BTreeSet<ReleaseId>) -> Result<(), Error> {
        let configs = self.list(&Name::prefix(stack)).await?;
        let releases = read(configs.clone(), &self.keys).remove(stack).unwrap_or_default().releases;
        let kept = kept(&releases, whole);
        for release in &releases {
            let (thin, full) = shapes(&configs, release.id);
            if !kept.contains(&release.id) {
                self.remove([full, thin].concat()).await?;
            } else if !full.is_empty() && whole.contains(&release.id) {
                self.remove(thin).await?;
            } else if !full.is_empty() {
                // A thin record left by an interruption may have an old phase.
                self.remove(thin).await?;
                self.create(release, Shape::Thin).await?;
                self.remove(full).await?;
            }
        }
        Ok(())
    }

    /// Removes the records of a stack except that of `kept`, the newest last, so that concurrent readers still
    /// see the last outcome.
    pub async fn forget(&self, _: &Lease, stack: &StackName, kept: Option<ReleaseId>) -> Result<(), Error> {
        let mut configs = self.list(&Name::prefix(stack)).await?;
        configs.sort_by_key(Config::name);
        let goes = |config: &&Config| config.name().is_some_and(|name| name.stack == *stack && Some(name.id) != kept);
        self.remove(configs.iter().filter(goes).collect()).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Config>, Error> {
        Ok(self.engine.list(Call::get("/configs").filtered("name", &[prefix]), Some).await?)
    }

    /// The config of a release: the whole one if both exist.
    async fn find(&self, stack: &StackName, id: ReleaseId) -> Result<Config, Error> {
        let configs = self.list(&Name { stack: stack.clone(), id, shape: Shape::Full }.to_string()).await?;
        let mut found: Vec<Config> =
            configs.into_iter().filter(|it| it.name().is_some_and(|name| name.id == id)).collect();
        found.sort_by_key(Config::is_thin);
        found.into_iter().next().ok_or_else(|| Error::Missing { stack: stack.clone(), id })
    }

    async fn create(&self, release: &Release, shape: Shape) -> Result<(), Error> {
        let scope = &self.keys.scope;
        let origin = Origin { repository: release.origin.repository.recorded(scope), ..release.origin.clone() };
        let owner = release.owner.as_ref().map(|owner| owner.recorded(scope));
        let body = record::body(&Release { origin, owner, ..release.clone() }, shape, &self.keys)?;
        self.expect_key().await?;
        match self.engine.call(Call::post("/configs/create", body)).await {
            Err(engine::Error::Refused { status: 409, .. }) => {
                Err(Error::Taken { stack: release.stack.clone(), id: release.id })
            }
            outcome => Ok(outcome.map(drop)?),
        }
    }

    async fn remove(&self, configs: Vec<&Config>) -> Result<(), Error> {
        for config in configs {
            match self.engine.call(Call::delete(format!("/configs/{}", config.id))).await {
                Ok(_) | Err(engine::Error::Refused { status: 404, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(rename = "ID")]
    id: String,
    version: Version,
    #[serde(default)]
    created_at: Timestamp,
    spec: Spec,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    index: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    name: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    data: String,
}

impl Config {
    /// The name of the record in a config; `None` if it is not a record. A config of a stack never is.
    fn name(&self) -> Option<Name> {
        if self.spec.labels.contains_key(NAMESPACE_LABEL) { None } else { Name::parse(&self.spec.name) }
    }

    /// The release in a config, if its authenticator is valid.
    fn authentic(&self, keys: &Keys) -> Result<Release, String> {
        keys.check(&self.spec)?;
        self.release()
    }

    /// The release in a config, or what is wrong with it. The authenticator is not checked.
    fn release(&self) -> Result<Release, String> {
        record::read(&self.spec.name, &self.spec.labels, &self.spec.data)
    }

    /// Whether a config is the record of a release or an intent.
    fn is_record(&self) -> bool {
        self.name().is_some() || intent::is_intent(self)
    }

    /// Whether a record matches its name. The authenticator is not checked.
    fn is_readable(&self) -> bool {
        self.release().is_ok() || intent::parsed(self).is_ok()
    }

    fn is_thin(&self) -> bool {
        self.name().is_some_and(|name| name.shape == Shape::Thin)
    }
}

/// Checks that the record of a release can be stored, and read again.
pub fn fits(release: &Release) -> Result<(), Error> {
    record::body(release, Shape::Full, &Keys::default()).map(drop)
}

/// The releases to keep: the newest, and those that must stay whole.
fn kept(releases: &[Release], whole: &BTreeSet<ReleaseId>) -> BTreeSet<ReleaseId> {
    let newest = releases.iter().rev().take(KEPT).map(|release| release.id);
    newest.chain(whole.iter().copied()).collect()
}

/// The configs of a release: thin ones, full ones.
fn shapes(configs: &[Config], id: ReleaseId) -> (Vec<&Config>, Vec<&Config>) {
    let of_release = configs.iter().filter(|config| config.name().is_some_and(|name| name.id == id));
    of_release.partition(|config| config.is_thin())
}

/// Sorts records by stack and number, leaving out other configs.
fn read(configs: Vec<Config>, keys: &Keys) -> BTreeMap<StackName, Records> {
    let mut named: Vec<(Name, Config)> =
        configs.into_iter().filter_map(|config| Some((config.name()?, config))).collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut stacks: BTreeMap<StackName, Records> = BTreeMap::new();
    for (name, config) in named {
        let records = stacks.entry(name.stack).or_default();
        match config.authentic(keys) {
            // The whole record comes before its thin one.
            Ok(release) if records.releases.last().is_some_and(|last| last.id == release.id) => {}
            Ok(mut release) => {
                release.origin.repository = release.origin.repository.seen_from(&keys.scope);
                release.owner = release.owner.map(|owner| owner.seen_from(&keys.scope));
                records.releases.push(Release { recorded: config.created_at, ..release });
            }
            Err(why) => records.damaged.push(Damaged { name: config.spec.name, why }),
        }
    }
    stacks
}

#[cfg(test)]
mod tests;
