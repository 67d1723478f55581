//! The engine's events about changes in the swarm. They may be lost, and the stream may end at any time; they only
//! trigger an observation.

use serde::Deserialize;

use super::{Error, Swarm};
use crate::engine::{Call, Lines};

/// The longest accepted event, in bytes.
const MAX_EVENT: usize = 64 << 10;

/// A stream of events.
#[derive(Debug)]
pub struct Events(Lines);

/// An object was created, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `service`, `network`, `config`, `secret` or `node`.
    pub kind: String,
    /// Its name, also if it was removed.
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    actor: Actor,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Actor {
    attributes: Attributes,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attributes {
    name: String,
}

impl Swarm {
    /// Subscribes to changes of services, networks, configs, secrets and nodes.
    pub async fn events(&self) -> Result<Events, Error> {
        let kinds = ["service", "network", "config", "secret", "node"];
        let filters = serde_json::json!({ "type": kinds, "scope": ["swarm"] });
        let pieces = self.engine.stream(Call::get("/events").with("filters", filters)).await?;
        Ok(Events(pieces.lines(MAX_EVENT)))
    }
}

impl Events {
    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        while let Some(line) = self.0.next().await? {
            if let Some(event) = read(&line) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

fn read(line: &[u8]) -> Option<Event> {
    let said: Said = serde_json::from_slice(line).ok()?;
    Some(Event { kind: said.kind, name: said.actor.attributes.name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Pieces;

    #[tokio::test]
    async fn events_come_line_by_line_and_what_is_not_one_is_passed_over() {
        let text = "{\"Type\":\"service\",\"Action\":\"update\",\"Actor\":{\"ID\":\"s\",\"Attributes\":{\"name\":\"shop_web\"}}}\nno\n\
                    {\"Type\":\"node\",\"Actor\":{\"Attributes\":{}}}\n{\"Type\":\"cut";
        let mut events = Events(Pieces::of(text.as_bytes()).lines(MAX_EVENT));
        let event = |kind: &str, name: &str| Some(Event { kind: kind.into(), name: name.into() });
        assert_eq!(events.next().await.unwrap(), event("service", "shop_web"));
        assert_eq!(events.next().await.unwrap(), event("node", ""));
        assert_eq!(events.next().await.unwrap(), None);
    }
}
