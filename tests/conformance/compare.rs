//! Whether what was sent is the same.

use serde_json::Value;

use crate::case::{Case, Expected};
use crate::golden::Recorded;
use crate::run::Ran;

/// Whether skep took a case as the case says.
pub(crate) enum Verdict {
    AsExpected,
    Wrong(String),
}

/// Compares skep with Docker.
pub(crate) fn verdict(case: &Case, docker: &Ran, skep: &Ran) -> Verdict {
    if docker.accepted == case.docker_refuses {
        let what = if docker.accepted { "accepts" } else { "refuses" };
        return Verdict::Wrong(format!("Docker {what} it: {}", docker.said));
    }
    let expected = match case.skep {
        Expected::Same => docker.accepted,
        Expected::Refuses => false,
        Expected::Accepts | Expected::Differs => true,
    };
    if skep.accepted != expected {
        let what = if skep.accepted { "accepts" } else { "refuses" };
        return Verdict::Wrong(format!("skep {what} it: {}", skep.said));
    }
    // A secret that is there is sent again to learn whether it is the same; what the daemon refuses is no write.
    let written = skep.writes.iter().find(|(place, _)| !(place.starts_with("/secrets/") && place.contains("/update")));
    if let Some(written) = written.filter(|_| !skep.accepted) {
        return Verdict::Wrong(format!("refused after a write: {written:?}"));
    }
    if let Some(read) = skep.reads.iter().find(|read| !is_known(read)) {
        return Verdict::Wrong(format!("the Docker CLI asks no such thing: {read}"));
    }
    if !skep.accepted || case.skep == Expected::Accepts {
        return Verdict::AsExpected;
    }
    let wanted: Vec<(String, Value)> =
        docker.writes.iter().filter(|(place, _)| !is_unwritten(case, place)).cloned().collect();
    match (difference(&wanted, &skep.writes), case.skep) {
        (None, Expected::Same) | (Some(_), Expected::Differs) => Verdict::AsExpected,
        (None, _) => Verdict::Wrong("it is the same, and should differ".to_owned()),
        (Some(why), _) => Verdict::Wrong(why),
    }
}

fn is_unwritten(case: &Case, place: &str) -> bool {
    case.unwritten.iter().any(|path| place.starts_with(path.as_str()))
}

/// What the Docker CLI of today does otherwise than what was recorded.
pub(crate) fn drift(docker: &Ran, recorded: &Recorded) -> Option<String> {
    if docker.accepted != recorded.accepted {
        return Some(format!("accepted is {}", docker.accepted));
    }
    if docker.accepted { difference(&recorded.writes, &docker.writes) } else { None }
}

/// The first difference between two lists of writes.
pub(crate) fn difference(wanted: &[(String, Value)], sent: &[(String, Value)]) -> Option<String> {
    let places = |writes: &[(String, Value)]| {
        writes.iter().map(|(place, body)| format!("{place} {}", body["Name"])).collect::<Vec<_>>().join("\n  ")
    };
    if wanted.len() != sent.len() || wanted.iter().zip(sent).any(|(one, other)| one.0 != other.0) {
        return Some(format!("wanted:\n  {}\nsent:\n  {}", places(wanted), places(sent)));
    }
    let mut found = Vec::new();
    for ((place, wanted), (_, sent)) in wanted.iter().zip(sent) {
        differences(&format!("{place} {}", wanted["Name"]), wanted, sent, &mut found);
    }
    (!found.is_empty()).then(|| found.join("\n"))
}

fn differences(place: &str, wanted: &Value, sent: &Value, found: &mut Vec<String>) {
    match (wanted, sent) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                differences(&format!("{place}.{key}"), &wanted[key], &sent[key], found);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                differences(&format!("{place}[{number}]"), one, other, found);
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        (one, other) if one == other => {}
        (one, other) => found.push(format!("{place}: wanted {one}, sent {other}")),
    }
}

/// Whether the Docker CLI asks such a thing: no nodes, no tasks, no lists of everything.
fn is_known(read: &str) -> bool {
    let (path, query) = read.split_once('?').unwrap_or((read, ""));
    let path = path.split(' ').next().unwrap_or_default();
    match path.trim_matches('/').split('/').collect::<Vec<_>>()[..] {
        ["_ping" | "info"] | ["distribution", ..] | ["networks" | "secrets" | "configs", _] => true,
        ["networks" | "secrets" | "configs" | "services"] => query.starts_with("filters="),
        _ => false,
    }
}
