//! Translates fields and units of the API to those of the file.

use serde_json::{Map, Value};

use crate::mask;
use crate::stack::Nanos;

/// Fields with another name in the file.
const NAMES: [(&str, &str); 6] = [
    ("image_as_written", "image label"),
    ("labels", "deploy.labels"),
    ("container_labels", "labels"),
    ("mode.replicated", "replicas"),
    ("limits.nano_cpus", "limits.cpus"),
    ("reservations.nano_cpus", "reservations.cpus"),
];

/// Fields with durations in nanoseconds.
const LENGTHS_OF_TIME: [&str; 8] =
    ["delay", "interval", "monitor", "start_interval", "start_period", "stop_grace_period", "timeout", "window"];

/// Fields that are bytes.
const BYTES: [&str; 2] = ["memory", "tmpfs_size"];

/// Default values of configs, secrets, ports and mounts, which are not shown.
const UNSAID: [(&str, &str); 5] =
    [("uid", "0"), ("gid", "0"), ("mode", "0444"), ("mode", "ingress"), ("owned", "true")];

/// The name of a field in the file.
pub(super) fn field(place: &str) -> String {
    for (ours, written) in NAMES {
        if let Some(rest) = place.strip_prefix(ours)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return format!("{written}{rest}");
        }
    }
    place.to_owned()
}

/// The name of a list item: the target of a config or volume, the port of the container.
pub(super) fn name(item: &Value) -> Option<String> {
    let target = value("target", item.get("target")?);
    Some(match item.get("protocol") {
        Some(protocol) => format!("{target}/{}", value("protocol", protocol)),
        None => target,
    })
}

/// A value on one line, with secrets masked and usual units: text unchanged, fields as `name=value`, everything else as
/// JSON.
pub(super) fn value(place: &str, value: &Value) -> String {
    let field = place.rsplit('.').next().unwrap_or_default();
    match value {
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), |number| amount(field, number)),
        Value::String(text) => mask::value(field, text).into_owned(),
        Value::Object(fields) => object(fields),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            mask::value(field, &texts.join(" ")).into_owned()
        }
        other => mask::text(&other.to_string()).into_owned(),
    }
}

/// The fields of a list item besides its name, which precedes them.
fn object(fields: &Map<String, Value>) -> String {
    let mut said = Vec::new();
    for (name, part) in fields.iter().filter(|(name, _)| !["target", "protocol"].contains(&name.as_str())) {
        let part = value(name, part);
        if !part.is_empty() && !UNSAID.contains(&(name.as_str(), part.as_str())) {
            let name = if name == "nano_cpus" { "cpus" } else { name };
            said.push(format!("{name}={part}"));
        }
    }
    said.join(" ")
}

fn amount(field: &str, number: i64) -> String {
    match field {
        "nano_cpus" => cpus(number),
        "mode" => format!("{number:04o}"),
        field if BYTES.contains(&field) => bytes(number),
        field if LENGTHS_OF_TIME.contains(&field) => Nanos(number).to_string(),
        _ => number.to_string(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no machine has millions of processors")]
fn cpus(nano: i64) -> String {
    (nano as f64 / 1e9).to_string()
}

/// A size in the largest unit without a fraction, in Docker's syntax.
fn bytes(number: i64) -> String {
    let units = [("G", 1_i64 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| number != 0 && number % size == 0);
    unit.map_or_else(|| number.to_string(), |(unit, size)| format!("{}{unit}", number / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_units_that_people_write() {
        let said = |field: &str, number: i64| value(field, &number.into());
        assert_eq!(said("limits.nano_cpus", 500_000_000), "0.5");
        assert_eq!(said("limits.memory", 64 << 20), "64M");
        assert_eq!(said("limits.memory", 3 << 30), "3G");
        assert_eq!(said("limits.memory", 1000), "1000");
        assert_eq!(said("healthcheck.interval", 90_000_000_000), "1m30s");
        assert_eq!(said("configs./page.mode", 0o440), "0440");
        assert_eq!(said("limits.pids", 9), "9");
    }

    #[test]
    fn secrets_are_not_shown() {
        let said = |place: &str, value_of: Value| value(place, &value_of);
        assert_eq!(said("environment.DATABASE_URL", "postgres://shop:s3cret@db".into()), "postgres://shop:***@db");
        assert_eq!(said("environment.POSTGRES_PASSWORD", "correct horse".into()), "***");
        assert_eq!(said("environment", serde_json::json!({"MODE": "a", "TOKEN": "b c d"})), "MODE=a TOKEN=***");
        assert_eq!(
            said("command", serde_json::json!(["redis-server", "--requirepass", "a1b2"])),
            "redis-server --requirepass ***"
        );
    }

    #[test]
    fn fields_are_called_as_in_the_file() {
        let said = ["labels.a", "container_labels.a", "mode.replicated", "mode", "environment.labels"].map(field);
        assert_eq!(said, ["deploy.labels.a", "labels.a", "replicas", "mode", "environment.labels"]);
    }
}
