use crate::diagnostic::suggest;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// A placement constraint is invalid, or can never be satisfied.
    ///
    /// A constraint is `key == value` or `key != value`. Swarm refuses anything else, but accepts a constraint with an unknown
    /// key: the task then waits for a node for ever.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { placement: { constraints: ["node.role = manager"] } }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { placement: { constraints: ["node.labels == ssd"] } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { placement: { constraints: ["node.role==manager", node.labels.disk != ssd] } }
    /// ```
    "SK1022", Error, Stack(check), Holds, Deploys
}

/// The keys that Swarm compares (swarmkit `manager/constraint`).
const KEYS: [&str; 6] = ["node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch"];
/// Prefixes of keys that continue with the name of a label.
const LABELS: [&str; 2] = ["node.labels.", "engine.labels."];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let constraints = subject.file.services.values().flat_map(|service| &service.deploy.constraints);
    constraints.filter_map(wrong).collect()
}

fn wrong(constraint: &Spanned<String>) -> Option<Found> {
    let found = |message: String, help: String| Some(Found::new(&constraint.span, message).help(help));
    let shown = text::cut(constraint);
    let parts = constraint.split_once("==").or_else(|| constraint.split_once("!="));
    let Some((key, value)) = parts else {
        let help = match constraint.split_once('=') {
            Some((key, value)) => format!("write `{} == {}`", key.trim(), value.trim()),
            None => "write `key == value` or `key != value`".to_owned(),
        };
        return found(format!("`{shown}` is not a constraint"), help);
    };
    let (key, value) = (key.trim(), value.trim());
    let lower = key.to_ascii_lowercase();
    if value.is_empty() || key.is_empty() {
        return found(format!("`{shown}` has no value"), "add the value that nodes must have".to_owned());
    }
    if lower == "node.role" && !["manager", "worker"].iter().any(|role| value.eq_ignore_ascii_case(role)) {
        return found(format!("no node has the role `{}`", text::cut(value)), "it is `manager` or `worker`".to_owned());
    }
    let is_known = KEYS.contains(&lower.as_str())
        || LABELS.iter().any(|prefix| lower.strip_prefix(prefix).is_some_and(|name| !name.is_empty()));
    if is_known {
        return None;
    }
    let help = match suggest::did_you_mean(&lower, KEYS) {
        _ if lower.starts_with("node.label") => "write `node.labels.<name>`".to_owned(),
        _ if lower.starts_with("engine.label") => "write `engine.labels.<name>`".to_owned(),
        Some(question) => question,
        None => format!("the keys are {}, `node.labels.<name>` and `engine.labels.<name>`", KEYS.join(", ")),
    };
    found(format!("no node has `{}`", text::cut(key)), help)
}
