//! Commands that are submitted to the controller: each is a config of its own. The command is its payload, which never
//! changes; how far it has got is in a label. Whoever submitted it reads the answer there and removes the config.
//!
//! A command changes what runs, so it is authenticated like a release. It is the only record that is written without a
//! [`Lease`]: it asks for a change and makes none.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::intent::hash;
use super::{Config, Error, Spec, Store, record};
use crate::engine::{self, Call};
use crate::lease::Lease;
use crate::name::Repository;
use crate::release::{Answer, Command};
use crate::stack::NAMESPACE_LABEL;

/// The prefix of the names of commands. No release has it, because a hash contains no `r`.
const PREFIX: &str = "skep.command.";
/// The label that holds how far a command has got, as JSON.
const PROGRESS_LABEL: &str = "skep.progress";
/// How old a command may be, by the swarm's clock and the controller's, to be carried out: nobody waits for an older one.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// How old a command is when it is removed although nobody read the answer.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(30);

/// A submitted command that has not been removed.
#[derive(Debug, Clone)]
pub struct Submitted {
    config: Config,
    /// Its state.
    pub progress: Progress,
}

/// The state of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "progress")]
pub enum Progress {
    /// No controller has read it.
    Waiting,
    /// A controller is about to carry it out.
    Taken,
    /// It was answered.
    Answered {
        /// The answer.
        answer: Box<Answer>,
    },
}

/// How old a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// The submitter waits for the answer.
    Fresh,
    /// The submitter no longer waits.
    Late,
    /// The answer will not be read.
    Forgotten,
}

impl Submitted {
    /// The id of its config, which no other command has.
    pub fn id(&self) -> &str {
        &self.config.id
    }

    /// Its age. A command whose time is in the future, because clocks differ, is fresh.
    pub fn age(&self, now: Timestamp) -> Age {
        match now.duration_since(self.config.created_at) {
            age if age >= FORGOTTEN => Age::Forgotten,
            age if age >= FRESH => Age::Late,
            _ => Age::Fresh,
        }
    }
}

impl Store {
    /// Submits a command to the controller at this time and returns its id.
    pub async fn submit(&self, command: &Command, now: Timestamp) -> Result<String, Error> {
        self.expect_key().await?;
        let own = |repository: Repository| repository.recorded(&self.keys.scope);
        let text = record::json(&command.clone().with_repositories(own));
        let stack = command.stack();
        let payload = record::packed(&text);
        if payload.len() > record::MAX_PAYLOAD {
            return Err(Error::TooBig { stack: stack.clone(), kib: payload.len() >> 10 });
        }
        let name = format!("{PREFIX}{}", hash(&format!("{stack} {now} {}", std::process::id())));
        let label = (PROGRESS_LABEL, record::json(&Progress::Waiting));
        let (labels, data) = record::sealed(&name, [label], &payload, &self.keys);
        let body = json!({ "Name": name, "Labels": labels, "Data": data });
        let created: Value = self.engine.json(Call::post("/configs/create", body)).await?;
        Ok(created["ID"].as_str().unwrap_or_default().to_owned())
    }

    /// The commands of this scope. One request.
    pub async fn commands(&self) -> Result<Vec<Submitted>, Error> {
        let configs = self.list(PREFIX).await?;
        Ok(configs.into_iter().filter_map(|config| self.read_command(config)).collect())
    }

    /// A submitted command; `None` if it was removed. One request.
    pub async fn submitted(&self, id: &str) -> Result<Option<Submitted>, Error> {
        match self.engine.json(Call::get(format!("/configs/{id}"))).await {
            Ok(config) => Ok(self.read_command(config)),
            Err(engine::Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The command that was submitted, or why it is unreadable.
    pub fn command(&self, submitted: &Submitted) -> Result<Command, String> {
        let Spec { labels, data, .. } = &submitted.config.spec;
        let seen = |repository: Repository| repository.seen_from(&self.keys.scope);
        Ok(record::content::<Command>(labels, data, "a command")?.with_repositories(seen))
    }

    /// Records the state of a command; returns whether no other process did so meanwhile and the command was not
    /// withdrawn.
    pub async fn advance(&self, _: &Lease, command: Submitted, progress: &Progress) -> Result<bool, Error> {
        match self.relabel(command.config, PROGRESS_LABEL, record::json(progress)).await {
            Err(Error::Engine(engine::Error::Refused { status: 404, .. })) => Ok(false),
            outcome => outcome,
        }
    }

    /// Removes a command whose answer was read, or for which nobody waits.
    pub async fn withdraw(&self, id: &str) -> Result<(), Error> {
        self.erase(id).await
    }

    fn read_command(&self, config: Config) -> Option<Submitted> {
        let labels = &config.spec.labels;
        let is_own = !labels.contains_key(NAMESPACE_LABEL) && self.keys.are_for(labels);
        if !is_own || self.keys.check(&config.spec).is_err() {
            return None;
        }
        let progress = serde_json::from_str(labels.get(PROGRESS_LABEL)?).ok()?;
        Some(Submitted { config, progress })
    }
}

/// Whether this is the name of a command.
pub fn is_command(name: &str) -> bool {
    name.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::super::Keys;
    use super::*;
    use crate::engine::{Engine, simulated::World};
    use crate::release::{Cause, Origin, Proposal};
    use crate::stack::Stack;

    fn deploy() -> Command {
        let shop = Stack::empty("shop".parse().unwrap());
        Command::Propose(Box::new(Proposal::new(Origin::unknown(), Cause::Command, shop)))
    }

    #[tokio::test]
    async fn a_command_is_taken_once_and_its_answer_is_read_by_whoever_asked() {
        let (world, lease) = (World::new(), Lease::of_controller());
        let store = Store::new(Engine::Simulated(world.clone()));
        let id = store.submit(&deploy(), world.now()).await.unwrap();
        let [seen] = &store.commands().await.unwrap()[..] else { panic!("there is one") };
        assert_eq!((store.command(seen).unwrap(), &seen.progress), (deploy(), &Progress::Waiting));
        assert!(store.advance(&lease, seen.clone(), &Progress::Taken).await.unwrap());
        assert!(!store.advance(&lease, seen.clone(), &Progress::Taken).await.unwrap(), "somebody else took it");
        let answered = Progress::Answered { answer: Box::new(Answer::Forgotten) };
        let [taken] = &store.commands().await.unwrap()[..] else { panic!("it is there") };
        assert!(store.advance(&lease, taken.clone(), &answered).await.unwrap());
        assert_eq!(store.submitted(&id).await.unwrap().map(|command| command.progress), Some(answered));
        store.withdraw(&id).await.unwrap();
        assert!(store.submitted(&id).await.unwrap().is_none());
        assert!(!store.advance(&lease, taken.clone(), &Progress::Taken).await.unwrap(), "it was withdrawn");
        assert_eq!(store.stacks().await.unwrap().len(), 0, "it is no stack");
    }

    #[tokio::test]
    async fn only_whoever_has_the_key_commands_and_only_in_its_scope() {
        let world = World::new();
        let store = Store::new(Engine::Simulated(world.clone()));
        let keyed = store.clone().with_keys(Keys::new(vec![SecretString::from("k".repeat(32))]));
        store.submit(&deploy(), world.now()).await.unwrap();
        assert_eq!(keyed.commands().await.unwrap().len(), 0);
        keyed.authenticate(&Lease::of_controller()).await.unwrap();
        assert!(matches!(store.submit(&deploy(), world.now()).await, Err(Error::NoKey)));
        let lab = keyed.clone().with_scope("lab".parse().unwrap());
        assert_eq!(lab.commands().await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_command_of_a_newer_skep_is_there_and_cannot_be_read() {
        let world = World::new();
        let engine = Engine::Simulated(world);
        let store = Store::new(engine.clone());
        let payload = record::packed(r#"{"command":"paint","stack":"shop"}"#);
        let label = (PROGRESS_LABEL, record::json(&Progress::Waiting));
        let (labels, data) = record::sealed("skep.command.0", [label], &payload, &store.keys);
        let body = json!({ "Name": "skep.command.0", "Labels": labels, "Data": data });
        engine.call(Call::post("/configs/create", body)).await.unwrap();
        let [seen] = &store.commands().await.unwrap()[..] else { panic!("it is there") };
        insta::assert_snapshot!(store.command(seen).unwrap_err(), @"its data is not a command: unknown variant `paint`, expected one of `propose`, `remove`, `forget`, `heal` at line 1 column 18");
    }
}
