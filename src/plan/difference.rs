//! Differences field by field, in the terms of the file.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::terms;
use crate::mask;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its place, such as `image` or `environment.MODE`.
    pub field: String,
    /// The observed value; `None` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The desired value; `None` if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Whether the change replaces tasks.
    pub restarts: bool,
}

/// Fields outside of the task template: changing them replaces no task (swarmkit
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

/// Such fields that stack files lack, by their places in the API's body.
const UNWANTED_WITHOUT_RESTART: [&str; 5] =
    ["TaskTemplate.Placement", "Labels", "Mode", "UpdateConfig", "RollbackConfig"];

/// Lists without an order: additions and removals are shown item by item.
const SETS: [&str; 4] = ["aliases", "cap_add", "cap_drop", "constraints"];

impl FieldChange {
    /// The change of a field that stack files lack.
    pub(super) fn unwanted(field: &str, value: &str) -> Self {
        let restarts = !UNWANTED_WITHOUT_RESTART.iter().any(|place| field.starts_with(place));
        Self { field: field.to_owned(), from: Some(mask::value(field, value).into_owned()), to: None, restarts }
    }

    /// Whether the change replaces tasks.
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

/// Converts two lists of named items, such as configs by target, to objects, so that only the differences of
/// each item are shown. A missing list is empty.
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
