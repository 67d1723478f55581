//! Events, for those who listen over a socket: of every write that names what it is about, and of nodes when a test says so.

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use super::requests::Request;
use super::{State, World};

impl World {
    /// Tells all listeners that something happened to a node.
    pub fn node_event(&self) {
        self.state().tell("node", "node-1");
    }

    /// The events from now on, as lines of JSON.
    pub(in crate::engine) fn listen(&self) -> mpsc::UnboundedReceiver<Bytes> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.state().listeners.push(sender);
        receiver
    }
}

impl State {
    /// Tells of a write that was done.
    pub(super) fn tell_of(&mut self, request: &Request) {
        let kind = request.path.trim_start_matches('/').split('/').next().and_then(|kinds| kinds.strip_suffix('s'));
        let name = request.body.as_ref().and_then(|body| body["Name"].as_str());
        if let (Some(kind), Some(name)) = (kind.map(str::to_owned), name.map(str::to_owned)) {
            self.tell(&kind, &name);
        }
    }

    fn tell(&mut self, kind: &str, name: &str) {
        let event =
            json!({ "Type": kind, "Action": "update", "Actor": { "ID": name, "Attributes": { "name": name } } });
        let line = Bytes::from(format!("{event}\n"));
        self.listeners.retain(|listener| listener.send(line.clone()).is_ok());
    }
}
