//! Field by field, in the terms of the file.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::terms;
use crate::mask;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its place, such as `image` or `environment.MODE`.
    pub field: String,
    /// What it is; none if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it should be; none if it should not be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether tasks are replaced because of it.
    pub restarts: bool,
}

/// Fields outside of what a task is made from: a change of them replaces no task (swarmkit
/// `manager/orchestrator/task.go`, `IsTaskDirty`, leaves placement out on purpose).
const WITHOUT_RESTART: [&str; 8] = [
    "constraints",
    "image_as_written",
    "labels",
    "max_replicas_per_node",
    "mode",
    "preferences",
    "rollback_config",
    "update_config",
];

/// The same, of what no stack file can say, by its place in the API's body.
const UNWANTED_WITHOUT_RESTART: [&str; 5] =
    ["TaskTemplate.Placement", "Labels", "Mode", "UpdateConfig", "RollbackConfig"];

/// Lists whose order means nothing: what is new in them and what is gone is told item by item.
const SETS: [&str; 4] = ["aliases", "cap_add", "cap_drop", "constraints"];

impl FieldChange {
    /// Something that is there, and that no stack file can have asked for.
    pub(super) fn unwanted(field: &str, value: &str) -> Self {
        let restarts = !UNWANTED_WITHOUT_RESTART.iter().any(|place| field.starts_with(place));
        Self { field: field.to_owned(), from: Some(mask::value(field, value).into_owned()), to: None, restarts }
    }

    /// Whether tasks are replaced because of it.
    pub fn restarts(&self) -> bool {
        self.restarts
    }
}

/// The fields in which two values differ.
pub(super) fn between<T: Serialize + PartialEq>(from: &T, to: &T) -> Vec<FieldChange> {
    if from == to {
        return Vec::new();
    }
    let value = |part: &T| serde_json::to_value(part).expect("a stack's parts are plain data");
    let mut changes = Vec::new();
    compare("", Some(&value(from)), Some(&value(to)), &mut changes);
    changes
}

fn compare(place: &str, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<FieldChange>) {
    match (from, to) {
        (from, to) if from == to => {}
        (Some(Value::Object(from)), Some(Value::Object(to))) => compare_objects(place, from, to, changes),
        (from, to) if let Some((from, to)) = keyed(place, from, to) => compare_objects(place, &from, &to, changes),
        (from, to) => changes.push(changed(place, from, to)),
    }
}

fn compare_objects(place: &str, from: &Map<String, Value>, to: &Map<String, Value>, changes: &mut Vec<FieldChange>) {
    let added = to.keys().filter(|key| !from.contains_key(*key));
    for key in from.keys().chain(added) {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        compare(&place, from.get(key), to.get(key), changes);
    }
}

fn changed(place: &str, from: Option<&Value>, to: Option<&Value>) -> FieldChange {
    let top = place.split('.').next().unwrap_or_default();
    let shown = |value: Option<&Value>| value.map(|value| terms::value(place, value));
    FieldChange {
        field: terms::field(place),
        from: shown(from),
        to: shown(to),
        restarts: !WITHOUT_RESTART.contains(&top),
    }
}

/// Two lists of things that each have a name of their own, such as configs by target, as objects: so that only what
/// differs of each is told. A list that is not there is empty.
fn keyed(place: &str, from: Option<&Value>, to: Option<&Value>) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let items = |list: Option<&Value>| match list {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => Some(items.clone()),
        Some(_) => None,
    };
    let (from, to) = (items(from)?, items(to)?);
    Some((by_name(place, from)?, by_name(place, to)?))
}

fn by_name(place: &str, items: Vec<Value>) -> Option<Map<String, Value>> {
    let is_set = SETS.contains(&place.rsplit('.').next().unwrap_or_default());
    let mut named = Map::new();
    for item in items {
        let name = if is_set { item.as_str()?.to_owned() } else { terms::name(&item)? };
        if named.insert(name, item).is_some() {
            return None;
        }
    }
    Some(named)
}
