//! Findings in a stack file that depend on the swarm: `skep lint --live`.
//!
//! The caller reads the swarm and passes the observations; this module finds their place in the file and their severity.

use crate::lint::{Finding, Place, Settings, explain};
use crate::stack::Problem;
use crate::stack::file::File;

/// An observation in the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its kind.
    pub kind: Kind,
    /// The keys that lead to its place in the file; empty if it concerns the whole file.
    pub keys: Vec<String>,
    /// The problem in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The kind of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A deploy would be refused for it.
    Obstacle,
    /// It may become an obstacle later.
    Note,
    /// The swarm has too many managers, or too few.
    Managers,
}

impl Seen {
    /// The observation as a finding in the file; `None` if the settings disable it.
    pub fn finding(self, file: &File, settings: &Settings) -> Option<Finding> {
        let rule = explain(self.kind.id())?;
        let severity = settings.severity(rule)?;
        let span = if self.keys.is_empty() { 0..0 } else { file.span_of(&self.keys) };
        let misfit = file.sources.misfit(Problem { span, message: self.message, help: self.help });
        let place = Place { path: misfit.path, span: misfit.problem.span };
        let (message, help) = (misfit.problem.message, misfit.problem.help);
        Some(Finding { rule: rule.id, severity, place, message, help, fix: None })
    }
}

impl Kind {
    /// The rule of the finding.
    fn id(self) -> &'static str {
        match self {
            Self::Obstacle => "SK8001",
            Self::Note => "SK8002",
            Self::Managers => "SK8003",
        }
    }
}

/// The message for this number of managers.
pub fn managers(count: usize) -> Option<Seen> {
    let message = match count {
        0 | 1 => return None,
        8.. => format!("the swarm has {count} managers: every change waits for more than half of them"),
        _ if count.is_multiple_of(2) => {
            format!("{count} managers can lose no more of them than {} can", count - 1)
        }
        _ => return None,
    };
    let help = Some("three or five managers are the usual number; the others can be workers".to_owned());
    Some(Seen { kind: Kind::Managers, keys: Vec::new(), message, help })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::lint::report;

    #[test]
    fn what_was_seen_is_told_at_its_place() {
        let text = b"services:\n  web:\n    image: nginx:1.27\n    ports: [\"80:80\"]\n";
        let path: crate::name::RepoPath = "stack.yml".parse().unwrap();
        let file = File::read(&path, text, &BTreeMap::new()).unwrap();
        let seen = Seen {
            kind: Kind::Obstacle,
            keys: ["services", "web", "ports"].map(str::to_owned).to_vec(),
            message: "port 80/tcp is published by the service `proxy`".to_owned(),
            help: Some("publish another port".to_owned()),
        };
        let texts = [(path, text.as_slice().into())].into();
        let told = |seen: Seen| seen.finding(&file, &Settings::default()).into_iter().collect::<Vec<_>>();
        insta::assert_snapshot!(report::short(&told(seen), &texts), @"stack.yml:4:5: error[SK8001]: port 80/tcp is published by the service `proxy`");
        insta::assert_snapshot!(report::short(&told(managers(4).unwrap()), &texts), @"stack.yml:1:1: info[SK8003]: 4 managers can lose no more of them than 3 can");
    }

    #[test]
    fn an_odd_number_of_managers_is_well() {
        let told = [0, 1, 3, 5, 7].map(|count| managers(count).is_some());
        assert_eq!(told, [false; 5]);
        assert!([2, 4, 6, 9].into_iter().all(|count| managers(count).is_some()));
    }
}
