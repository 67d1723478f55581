//! Notes that a controller keeps in the swarm for commands and for the next controller.
//!
//! Each is a config with a fixed name. Its contents are in a label, which is replaced by compare-and-swap, so that a
//! change costs one small write. A damaged note, or one with an invalid authenticator, counts as missing,
//! and is overwritten, since notes can always be determined again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::intent::{REPOSITORY_LABEL, hash};
use super::{Config, Error, Store, record};
use crate::engine::{self, Call, RECORD_LABEL};
use crate::lease::Lease;
use crate::name::Repository;
use crate::release::{Instance, Shaping, Upstream};
use crate::stack::NAMESPACE_LABEL;

/// The label with the contents of a note, as JSON.
const NOTE_LABEL: &str = "skep.note";
/// What the names of the notes about watched repositories begin with. No release's name does: a hash has no `r` in it.
const UPSTREAM: &str = "skep.repository.";
/// The note about the settings of the controller.
const SHAPING: &str = "skep.settings";
/// The note about the controller.
const CONTROLLER: &str = "skep.controller";
/// What the names of requests begin with.
const REQUEST: &str = "skep.sync.";
/// The label that holds the options of a request.
const OPTIONS_LABEL: &str = "skep.options";
/// The retries for a note that changes concurrently.
const TRIES: usize = 3;

/// A note and its config.
#[derive(Debug, Clone)]
pub struct Note<T> {
    config: Config,
    /// Its contents.
    pub said: T,
}

/// A request to fetch a repository now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The repository.
    pub repository: Repository,
    /// The given push options.
    pub options: BTreeSet<String>,
    id: String,
}

impl Request {
    /// A unique id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Store {
    /// The notes on watched repositories, by name. One request.
    pub async fn upstreams(&self) -> Result<BTreeMap<Repository, Upstream>, Error> {
        let notes = self.notes::<Upstream>(UPSTREAM).await?;
        let read = |note: Note<Upstream>| {
            let repository = note.said.repository.clone().as_watched().seen_from(&self.keys.scope);
            (repository.clone(), Upstream { repository, ..note.said })
        };
        Ok(notes.into_iter().map(read).collect())
    }

    /// The note on one watched repository. One request.
    pub async fn upstream(&self, repository: &Repository) -> Result<Option<Upstream>, Error> {
        let note: Option<Note<Upstream>> = self.note(&self.upstream_name(repository)).await?;
        Ok(note.map(|note| Upstream { repository: repository.clone(), ..note.said }))
    }

    /// Stores the note on a watched repository.
    pub async fn set_upstream(&self, _: &Lease, upstream: &Upstream) -> Result<(), Error> {
        let repository = upstream.repository.recorded(&self.keys.scope);
        self.put(&self.upstream_name(&upstream.repository), &Upstream { repository, ..upstream.clone() }).await
    }

    /// Removes the note on a repository that is no longer watched.
    pub async fn forget_upstream(&self, _: &Lease, repository: &Repository) -> Result<(), Error> {
        self.erase(&self.upstream_name(repository)).await
    }

    /// Asks the controller to look at a repository now. A request that is waiting already is replaced. Whoever may use
    /// the Docker API may ask: a request is not authenticated.
    pub async fn ask(&self, repository: &Repository, options: &BTreeSet<String>) -> Result<Request, Error> {
        let recorded = repository.recorded(&self.keys.scope);
        let name = format!("{REQUEST}{}", hash(&recorded.key()));
        self.erase(&name).await?;
        let options_text = options.iter().cloned().collect::<Vec<_>>().join(",");
        let labels = json!({ RECORD_LABEL: "1", REPOSITORY_LABEL: recorded, OPTIONS_LABEL: options_text });
        let body = json!({ "Name": name, "Labels": labels, "Data": record::encoded(b"skep sync") });
        let answer: Value = self.engine.json(Call::post("/configs/create", body)).await?;
        let id = answer["ID"].as_str().unwrap_or_default().to_owned();
        Ok(Request { repository: repository.clone(), options: options.clone(), id })
    }

    /// The pending requests. One API call.
    pub async fn requests(&self) -> Result<Vec<Request>, Error> {
        let configs = self.list(REQUEST).await?;
        Ok(configs.into_iter().filter_map(|config| self.request(config)).collect())
    }

    /// Whether a request is still pending.
    pub async fn is_waiting(&self, request: &Request) -> Result<bool, Error> {
        Ok(self.requests().await?.iter().any(|other| other.id == request.id))
    }

    /// Removes a request that was answered or withdrawn.
    pub async fn answered(&self, request: &Request) -> Result<(), Error> {
        self.erase(&request.id).await
    }

    /// The settings of the controller that decide what a stack becomes, if one has recorded them. One request.
    pub async fn shaping(&self) -> Result<Option<Shaping>, Error> {
        Ok(self.note(&self.keys.scope.config(SHAPING)).await?.map(|note: Note<Shaping>| note.said))
    }

    /// Records the settings of the controller that decide what a stack becomes.
    pub async fn set_shaping(&self, _: &Lease, shaping: &Shaping) -> Result<(), Error> {
        if self.shaping().await?.as_ref() == Some(shaping) {
            return Ok(());
        }
        self.put(&self.keys.scope.config(SHAPING), shaping).await
    }

    /// The controller that the swarm has, if one is recorded. One request.
    pub async fn controller(&self) -> Result<Option<Note<Instance>>, Error> {
        self.note(&self.keys.scope.config(CONTROLLER)).await
    }

    /// Records the controller that the swarm has, unless one is recorded; whether none was.
    pub async fn register(&self, instance: &Instance) -> Result<bool, Error> {
        self.expect_key().await?;
        let name = self.keys.scope.config(CONTROLLER);
        if self.create_note(&name, instance).await? {
            return Ok(true);
        }
        // A damaged note names no controller.
        if self.controller().await?.is_none() {
            self.erase(&name).await?;
        }
        Ok(false)
    }

    /// Changes the record of the controller, unless somebody changed it since it was read; whether nobody did.
    pub async fn change_registration(&self, seen: Note<Instance>, instance: &Instance) -> Result<bool, Error> {
        match self.relabel(seen.config, NOTE_LABEL, record::json(instance)).await {
            Err(Error::Engine(engine::Error::Refused { status: 404, .. })) => Ok(false),
            outcome => outcome,
        }
    }

    /// Takes a controller out of the record, if it is the one that is recorded.
    pub async fn deregister(&self, run: &str) -> Result<(), Error> {
        match self.controller().await? {
            Some(there) if there.said.run == run => self.erase(&there.config.id).await,
            _ => Ok(()),
        }
    }

    /// Reads a note.
    pub(super) async fn note<T: DeserializeOwned>(&self, name: &str) -> Result<Option<Note<T>>, Error> {
        Ok(self.notes(name).await?.into_iter().find(|note| note.config.spec.name == name))
    }

    async fn notes<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<Note<T>>, Error> {
        let configs = self.list(prefix).await?;
        Ok(configs.into_iter().filter_map(|config| self.read_note(config)).collect())
    }

    fn read_note<T: DeserializeOwned>(&self, config: Config) -> Option<Note<T>> {
        let is_own = !config.spec.labels.contains_key(NAMESPACE_LABEL) && self.keys.check(&config.spec).is_ok();
        let said = serde_json::from_str(config.spec.labels.get(NOTE_LABEL).filter(|_| is_own)?).ok()?;
        Some(Note { config, said })
    }

    /// Writes a note, overwriting it.
    pub(super) async fn put<T: Serialize>(&self, name: &str, said: &T) -> Result<(), Error> {
        self.expect_key().await?;
        for _ in 0..TRIES {
            let there = self.list(name).await?.into_iter().find(|config| config.spec.name == name);
            let done = match there {
                Some(config) => self.relabel(config, NOTE_LABEL, record::json(said)).await?,
                None => self.create_note(name, said).await?,
            };
            if done {
                return Ok(());
            }
        }
        Err(Error::Contended { repository: name.to_owned() })
    }

    /// Creates a note; returns whether it did not exist.
    pub(super) async fn create_note<T: Serialize>(&self, name: &str, said: &T) -> Result<bool, Error> {
        let own = [(NOTE_LABEL, record::json(said))];
        let (labels, data) = record::sealed(name, own, b"skep", &self.keys);
        let body = json!({ "Name": name, "Labels": labels, "Data": data });
        match self.engine.call(Call::post("/configs/create", body)).await {
            Err(engine::Error::Refused { status: 409, .. }) => Ok(false),
            outcome => Ok(outcome.map(|_| true)?),
        }
    }

    fn request(&self, config: Config) -> Option<Request> {
        let labels = &config.spec.labels;
        if labels.contains_key(NAMESPACE_LABEL) {
            return None;
        }
        let repository = Repository::from(labels.get(REPOSITORY_LABEL)?.clone()).seen_from(&self.keys.scope);
        let options = labels.get(OPTIONS_LABEL).map(String::as_str).unwrap_or_default();
        let options = options.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect();
        Some(Request { repository, options, id: config.id })
    }

    fn upstream_name(&self, repository: &Repository) -> String {
        format!("{UPSTREAM}{}", hash(&repository.recorded(&self.keys.scope).key()))
    }

    /// Removes a config by its id or name, if it exists.
    pub(super) async fn erase(&self, config: &str) -> Result<(), Error> {
        match self.engine.call(Call::delete(format!("/configs/{config}"))).await {
            Ok(_) | Err(engine::Error::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether something of this name is the record of a controller.
pub fn is_registration(name: &str) -> bool {
    name.starts_with(CONTROLLER)
}

/// Whether something of this name is a request to look at a repository.
pub fn is_request(name: &str) -> bool {
    name.starts_with(REQUEST)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::Keys;
    use super::*;
    use crate::engine::{Engine, simulated::World};
    use crate::release::Handled;

    fn team_shop() -> Repository {
        Repository::watched("team/shop")
    }

    fn shop(handled: Handled) -> Upstream {
        Upstream { handled, ..Upstream::new(Repository::watched("team/shop"), "https://example.com/shop.git", "main") }
    }

    #[tokio::test]
    async fn what_is_known_of_a_repository_is_read_again_and_can_be_changed() {
        let world = World::new();
        let store = Store::new(Engine::Simulated(world));
        for handled in [Handled::Underway, Handled::Runs] {
            store.set_upstream(&Lease::of_command(), &shop(handled.clone())).await.unwrap();
            assert_eq!(store.upstream(&team_shop()).await.unwrap(), Some(shop(handled)));
        }
        assert_eq!(store.upstreams().await.unwrap().len(), 1);
        assert_eq!(store.stacks().await.unwrap().len(), 0, "it is no stack");
        store.forget_upstream(&Lease::of_command(), &team_shop()).await.unwrap();
        assert_eq!(store.upstreams().await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn what_somebody_else_wrote_counts_as_not_there_and_is_written_over() {
        let engine = Engine::Simulated(World::new());
        let store = Store::new(engine.clone());
        store.set_upstream(&Lease::of_command(), &shop(Handled::Runs)).await.unwrap();
        let keyed = store.clone().with_keys(Keys::new(vec![SecretString::from("k".repeat(32))]));
        assert_eq!(keyed.upstream(&team_shop()).await.unwrap(), None);
        keyed.set_upstream(&Lease::of_command(), &shop(Handled::Underway)).await.unwrap();
        assert_eq!(keyed.upstream(&team_shop()).await.unwrap(), Some(shop(Handled::Underway)));
    }

    #[tokio::test]
    async fn what_is_of_one_scope_is_not_of_another_one() {
        let store = Store::new(Engine::Simulated(World::new()));
        let lab = store.clone().with_scope("lab".parse().unwrap());
        store.set_upstream(&Lease::of_command(), &shop(Handled::Runs)).await.unwrap();
        lab.set_upstream(&Lease::of_command(), &shop(Handled::Underway)).await.unwrap();
        assert_eq!(lab.upstream(&team_shop()).await.unwrap(), Some(shop(Handled::Underway)));
        let names: Vec<String> = store.upstreams().await.unwrap().into_keys().map(|it| it.to_string()).collect();
        assert_eq!(names, ["team/shop", "lab:team/shop"]);
        // Whoever runs a command outside of the scope sees the repository, and may ask for it.
        store.ask(&"lab:watched team/shop".into(), &BTreeSet::new()).await.unwrap();
        let asked =
            |requests: Vec<Request>| requests.into_iter().map(|it| it.repository.to_string()).collect::<Vec<_>>();
        assert_eq!(asked(lab.requests().await.unwrap()), ["team/shop"]);
        assert_eq!(asked(store.requests().await.unwrap()), ["lab:team/shop"]);
    }

    #[tokio::test]
    async fn a_request_waits_until_it_is_answered() {
        let store = Store::new(Engine::Simulated(World::new()));
        let options = BTreeSet::from(["adopt".to_owned(), "retry".to_owned()]);
        let first = store.ask(&team_shop(), &BTreeSet::new()).await.unwrap();
        let second = store.ask(&team_shop(), &options).await.unwrap();
        assert!(!store.is_waiting(&first).await.unwrap() && store.is_waiting(&second).await.unwrap());
        let waiting = store.requests().await.unwrap();
        assert_eq!((waiting.len(), &waiting[0].options, waiting[0].repository.name()), (1, &options, "team/shop"));
        store.answered(&waiting[0]).await.unwrap();
        assert!(!store.is_waiting(&second).await.unwrap());
    }
}
