//! The engine's events about changes in the swarm. They may be lost, and the stream may end at any time; they only
//! trigger an observation.

use serde::Deserialize;

use super::{Error, Swarm};
use crate::engine::{Call, Pieces};

/// The longest accepted event, in bytes.
const MAX_EVENT: usize = 64 << 10;

/// A stream of events.
#[derive(Debug)]
pub struct Events {
    pieces: Pieces,
    buffer: Vec<u8>,
}

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
        Ok(Events { pieces, buffer: Vec::new() })
    }
}

impl Events {
    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if let Some(event) = read(&line) {
                    return Ok(Some(event));
                }
            }
            // An endless line is not an event.
            if self.buffer.len() > MAX_EVENT {
                return Ok(None);
            }
            match self.pieces.next().await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }
}

fn read(line: &[u8]) -> Option<Event> {
    let said: Said = serde_json::from_slice(line).ok()?;
    Some(Event { kind: said.kind, name: said.actor.attributes.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_come_line_by_line_and_what_is_not_one_is_passed_over() {
        let text = "{\"Type\":\"service\",\"Action\":\"update\",\"Actor\":{\"ID\":\"s\",\"Attributes\":{\"name\":\"shop_web\"}}}\nno\n\
                    {\"Type\":\"node\",\"Actor\":{\"Attributes\":{}}}\n{\"Type\":\"cut";
        let mut events = Events { pieces: Pieces::of(text.as_bytes()), buffer: Vec::new() };
        let event = |kind: &str, name: &str| Some(Event { kind: kind.into(), name: name.into() });
        assert_eq!(events.next().await.unwrap(), event("service", "shop_web"));
        assert_eq!(events.next().await.unwrap(), event("node", ""));
        assert_eq!(events.next().await.unwrap(), None);
    }
}
