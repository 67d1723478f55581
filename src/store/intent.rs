//! The intents of commits, kept in configs as releases are: `skep.commit.<hash of the repository>.<number>`.
//!
//! A repository has one intent. A newer one is created before the older one is removed, so that there is always one;
//! if an interruption left two, the newest counts.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::record::{self, Labels};
use super::{Config, Damaged, Error, Keys, Store};
use crate::engine::{self, Call};
use crate::lease::Lease;
use crate::name::Repository;
use crate::release::{Intent, Origin, State};
use crate::stack::NAMESPACE_LABEL;

/// What all names of intents begin with. No release's name does: a stack's name is followed by `.r`, and a hash has no
/// `r` in it.
const PREFIX: &str = "skep.commit.";
/// The label that holds the state, as JSON.
const STATE_LABEL: &str = "skep.state";
/// The label that names the repository, for people and for filters.
pub(super) const REPOSITORY_LABEL: &str = "skep.repository";
/// The retries if a number was taken concurrently.
const TRIES: usize = 3;

/// The intents of all repositories.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intents {
    /// The intent of each repository that has one.
    pub intents: BTreeMap<Repository, Intent>,
    /// Damaged records.
    pub damaged: Vec<Damaged>,
}

/// The name of the config of an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    repository: String,
    number: u64,
}

impl Name {
    /// That of an intent which calls its repository as records do.
    fn of(intent: &Intent) -> Self {
        Self { repository: hash(&intent.origin.repository.key()), number: intent.number }
    }

    fn parse(text: &str) -> Option<Self> {
        let (repository, number) = text.strip_prefix(PREFIX)?.split_once('.')?;
        let name = Self { repository: repository.to_owned(), number: number.parse().ok()? };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}.{}", self.repository, self.number)
    }
}

/// The hash of a repository's name, since names of configs are limited to 64 characters.
pub(super) fn hash(repository: &str) -> String {
    hex::encode(&Sha256::digest(repository)[..16])
}

impl Store {
    /// The intents of all repositories. One request.
    pub async fn intents(&self) -> Result<Intents, Error> {
        Ok(read(&self.list(PREFIX).await?, &self.keys))
    }

    /// The intent of a repository, if it has a readable one. One request.
    pub async fn intent(&self, repository: &Repository) -> Result<Option<Intent>, Error> {
        let mut found = read(&self.list(&self.prefix(repository)).await?, &self.keys);
        Ok(found.intents.remove(repository))
    }

    /// Records what a commit is to become, in the place of what was recorded for its repository before. The number is
    /// given to it here.
    pub async fn intend(&self, _: &Lease, mut intent: Intent) -> Result<Intent, Error> {
        self.expect_key().await?;
        for _ in 0..TRIES {
            let older = self.list(&self.prefix(&intent.origin.repository)).await?;
            let numbers = older.iter().filter_map(|config| Name::parse(&config.spec.name)).map(|name| name.number);
            intent.number = numbers.max().unwrap_or(0) + 1;
            match self.engine.call(Call::post("/configs/create", body(&self.recorded(&intent), &self.keys)?)).await {
                Err(engine::Error::Refused { status: 409, .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    self.remove(older.iter().collect()).await?;
                    return Ok(intent);
                }
            }
        }
        Err(replaced(&intent))
    }

    /// Records the state of a commit, unless a newer one superseded it.
    pub async fn set_state(&self, _: &Lease, intent: &Intent, state: &State) -> Result<(), Error> {
        let name = Name::of(&self.recorded(intent)).to_string();
        let configs = self.list(&name).await?;
        let config = configs.into_iter().find(|config| config.spec.name == name).ok_or_else(|| replaced(intent))?;
        if !self.relabel(config, STATE_LABEL, record::json(state)).await? {
            return Err(Error::Contended { repository: intent.origin.repository.to_string() });
        }
        Ok(())
    }

    /// Removes an intent, and older ones of its repository: nothing is left to do for it.
    pub async fn settle(&self, _: &Lease, intent: &Intent) -> Result<(), Error> {
        let configs = self.list(&self.prefix(&intent.origin.repository)).await?;
        let done = |config: &&Config| Name::parse(&config.spec.name).is_some_and(|name| name.number <= intent.number);
        self.remove(configs.iter().filter(done).collect()).await
    }

    /// What the names of the intents of a repository begin with.
    fn prefix(&self, repository: &Repository) -> String {
        format!("{PREFIX}{}.", hash(&repository.recorded(&self.keys.scope).key()))
    }

    /// An intent as it is recorded.
    fn recorded(&self, intent: &Intent) -> Intent {
        let repository = intent.origin.repository.recorded(&self.keys.scope);
        Intent { origin: Origin { repository, ..intent.origin.clone() }, ..intent.clone() }
    }
}

fn replaced(intent: &Intent) -> Error {
    Error::Replaced { repository: intent.origin.repository.to_string() }
}

fn body(intent: &Intent, keys: &Keys) -> Result<Value, Error> {
    let text = record::json(intent);
    let payload = record::packed(&text);
    if payload.len() > record::MAX_PAYLOAD || text.len() > record::MAX_UNFOLDED {
        return Err(Error::TooManyStacks { repository: intent.origin.repository.to_string() });
    }
    let labels =
        [(REPOSITORY_LABEL, intent.origin.repository.clone().into()), (STATE_LABEL, record::json(&intent.state))];
    let name = Name::of(intent).to_string();
    let (labels, data) = record::sealed(&name, labels, &payload, keys);
    Ok(json!({ "Name": name, "Labels": labels, "Data": data }))
}

/// Whether a config is the record of a commit. A config of a stack never is.
pub(super) fn is_intent(config: &Config) -> bool {
    !config.spec.labels.contains_key(NAMESPACE_LABEL) && Name::parse(&config.spec.name).is_some()
}

/// The intent in a config, if its authenticator is valid.
fn authentic(config: &Config, keys: &Keys) -> Result<Intent, String> {
    keys.check(&config.spec)?;
    parsed(config)
}

/// The intent in a config, or what is wrong with it. The authenticator is not checked.
pub(super) fn parsed(config: &Config) -> Result<Intent, String> {
    let labels: &Labels = &config.spec.labels;
    let mut intent: Intent = record::content(labels, &config.spec.data, "an intent")?;
    let state = serde_json::from_str(record::label(labels, STATE_LABEL)?)
        .map_err(|error| format!("its label `{STATE_LABEL}` is not a state: {error}"))?;
    if intent.cause.is_found() {
        intent.origin.repository = intent.origin.repository.as_watched();
    }
    if Name::of(&intent).to_string() == config.spec.name {
        Ok(Intent { state, ..intent })
    } else {
        Err(format!("it holds a commit of {}, which is not what its name says", intent.origin.repository))
    }
}

/// The newest intent of each repository, ignoring other configs.
fn read(configs: &[Config], keys: &Keys) -> Intents {
    let mut found = Intents::default();
    for config in configs.iter().filter(|config| is_intent(config)) {
        match authentic(config, keys) {
            Ok(mut intent) => {
                intent.origin.repository = intent.origin.repository.seen_from(&keys.scope);
                let known = found.intents.get(&intent.origin.repository).map_or(0, |known| known.number);
                if intent.number > known {
                    found.intents.insert(intent.origin.repository.clone(), intent);
                }
            }
            Err(why) => found.damaged.push(Damaged { name: config.spec.name.clone(), why }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::*;
    use crate::engine::{Engine, simulated::World};
    use crate::release::Cause;

    fn intent(repository: &str, commit: &str) -> Intent {
        Intent {
            number: 0,
            origin: Origin {
                repository: repository.into(),
                branch: Some("main".into()),
                commit: commit.repeat(40).parse().unwrap(),
                tree: "b".repeat(40).parse().unwrap(),
                author: "Ada <ada@example.com>".into(),
                subject: "Sell more".into(),
            },
            cause: Cause::Push,
            created: Timestamp::UNIX_EPOCH,
            base: Some("0".repeat(40).parse().unwrap()),
            user: Some("ada".into()),
            options: BTreeSet::from(["async".to_owned()]),
            news: true,
            stacks: BTreeSet::from(["shop".parse().unwrap()]),
            state: State::Preparing { attempt: 1 },
        }
    }

    fn store() -> Store {
        Store::new(Engine::Simulated(World::new()))
    }

    #[tokio::test]
    async fn an_intent_comes_back_as_it_was_recorded_and_is_no_stack() {
        let store = store();
        let long = format!("team/{}", "x".repeat(60));
        for repository in ["shop", long.as_str()] {
            let recorded = store.intend(&Lease::of_command(), intent(repository, "a")).await.unwrap();
            assert_eq!(recorded.number, 1);
            assert_eq!(store.intent(&repository.into()).await.unwrap(), Some(recorded.clone()));
            assert_eq!(store.intents().await.unwrap().intents[&repository.into()], recorded);
        }
        assert_eq!(store.stacks().await.unwrap(), BTreeMap::new());
    }

    #[tokio::test]
    async fn a_newer_commit_takes_the_place_of_an_older_one_which_cannot_move_on() {
        let store = store();
        let older = store.intend(&Lease::of_command(), intent("shop", "a")).await.unwrap();
        store.set_state(&Lease::of_command(), &older, &State::Rolling).await.unwrap();
        let newer = store.intend(&Lease::of_command(), intent("shop", "c")).await.unwrap();
        assert_eq!(newer.number, 2);
        let late = store.set_state(&Lease::of_command(), &older, &State::Deployed).await.unwrap_err();
        assert!(!late.is_transient(), "{late}");
        store.settle(&Lease::of_command(), &older).await.unwrap();
        assert_eq!(
            store.intent(&"shop".into()).await.unwrap(),
            Some(newer.clone()),
            "the older one settles only itself"
        );
        store.settle(&Lease::of_command(), &newer).await.unwrap();
        assert_eq!(store.intents().await.unwrap(), Intents::default());
    }

    #[tokio::test]
    async fn a_state_that_was_written_and_not_answered_can_be_written_again() {
        let store = store();
        let intent = store.intend(&Lease::of_command(), intent("shop", "a")).await.unwrap();
        for _ in 0..2 {
            store.set_state(&Lease::of_command(), &intent, &State::Rolling).await.unwrap();
        }
        assert_eq!(store.intent(&"shop".into()).await.unwrap().unwrap().state, State::Rolling);
    }

    #[tokio::test]
    async fn the_commits_of_a_scope_are_not_those_of_another_one() {
        let (store, scope) = (store(), "lab".parse().unwrap());
        let lab = store.clone().with_scope(scope);
        for (store, commit) in [(&store, "a"), (&lab, "c")] {
            let recorded = store.intend(&Lease::of_command(), intent("shop", commit)).await.unwrap();
            assert_eq!(store.intent(&"shop".into()).await.unwrap(), Some(recorded));
        }
        let names =
            |intents: Intents| intents.intents.into_keys().map(|it| it.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(names(store.intents().await.unwrap()), "shop, lab:shop");
        assert_eq!(names(lab.intents().await.unwrap()), "shop, shop of the controller without SKEP_SCOPE");
        lab.settle(&Lease::of_command(), &lab.intent(&"shop".into()).await.unwrap().unwrap()).await.unwrap();
        assert_eq!(names(store.intents().await.unwrap()), "shop");
    }

    #[tokio::test]
    async fn what_an_interruption_left_is_passed_over() {
        let store = store();
        let mut old = intent("shop", "a");
        let new = store.intend(&Lease::of_command(), intent("shop", "c")).await.unwrap();
        old.number = 0;
        store.engine.call(Call::post("/configs/create", body(&old, &Keys::default()).unwrap())).await.unwrap();
        assert_eq!(store.intent(&"shop".into()).await.unwrap(), Some(new));
    }
}
