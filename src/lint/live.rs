//! Findings in a stack file that depend on the swarm: `skep lint --live`.
//!
//! The caller reads the swarm and passes the observations; this module finds their place in the file and their severity.

use crate::diagnostic::{Diagnostic, KeyPath, Severity};
use crate::lint::{Settings, explain};
use crate::stack::file::File;

/// The rule of what a deploy would be refused for.
pub const OBSTACLE: &str = "SK8001";
/// The rule of what may stand in the way later.
pub const NOTE: &str = "SK8002";
/// The rule of a swarm that has too many managers, or too few.
pub const MANAGERS: &str = "SK8003";

/// What was seen, in the file; none if the settings switch its rule off.
pub fn finding(seen: Diagnostic<KeyPath>, file: &File, settings: &Settings) -> Option<Diagnostic> {
    let severity = settings.severity(explain(seen.id())?)?;
    let span = if seen.place.0.is_empty() { 0..0 } else { file.span_of(&seen.place) };
    Some(Diagnostic { severity, ..file.sources.placed(seen.at(span)) })
}

/// The message for this number of managers.
pub fn managers(count: usize) -> Option<Diagnostic<KeyPath>> {
    let message = match count {
        0 | 1 => return None,
        8.. => format!("the swarm has {count} managers: every change waits for more than half of them"),
        _ if count.is_multiple_of(2) => {
            format!("{count} managers can lose no more of them than {} can", count - 1)
        }
        _ => return None,
    };
    let help = "three or five managers are the usual number; the others can be workers";
    Some(Diagnostic::new(KeyPath::default(), message).code(MANAGERS).rated(Severity::Info).help(help))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::diagnostic::render;

    #[test]
    fn what_was_seen_is_told_at_its_place() {
        let text = b"services:\n  web:\n    image: nginx:1.27\n    ports: [\"80:80\"]\n";
        let path: crate::name::RepoPath = "stack.yml".parse().unwrap();
        let file = File::read(&path, text, &BTreeMap::new()).unwrap();
        let keys = KeyPath::of(["services", "web", "ports"]);
        let seen = Diagnostic::new(keys, "port 80/tcp is published by the service `proxy`").code(OBSTACLE);
        let texts = [(path, text.as_slice().into())].into();
        let told = |seen| Vec::from_iter(finding(seen, &file, &Settings::default()));
        insta::assert_snapshot!(render::short(&told(seen), &texts), @"stack.yml:4:5: error[SK8001]: port 80/tcp is published by the service `proxy`");
        insta::assert_snapshot!(render::short(&told(managers(4).unwrap()), &texts), @"stack.yml:1:1: info[SK8003]: 4 managers can lose no more of them than 3 can");
    }

    #[test]
    fn an_odd_number_of_managers_is_well() {
        let told = [0, 1, 3, 5, 7].map(|count| managers(count).is_some());
        assert_eq!(told, [false; 5]);
        assert!([2, 4, 6, 9].into_iter().all(|count| managers(count).is_some()));
    }
}
