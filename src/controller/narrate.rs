//! Progress as lines for a person: of a push, a terminal, a log. Nothing is said twice.

use std::collections::{BTreeMap, BTreeSet};

use super::progress::Progress;
use crate::health::{Symptom, Waiting};
use crate::name::{ServiceName, StackName};
use crate::plan::Color;
use crate::release::{Outcome, ReleaseId};
use crate::text::one_line;

/// Tells what happens to one stack.
#[derive(Debug, Clone)]
pub struct Narrator {
    stack: StackName,
    said: BTreeMap<ServiceName, String>,
    /// A change that could not be made yet is tried again each round.
    changes: BTreeSet<String>,
    steady: bool,
    failed: bool,
}

impl Narrator {
    /// A narrator who has said nothing yet.
    pub fn new(stack: StackName) -> Self {
        Self { stack, said: BTreeMap::new(), changes: BTreeSet::new(), steady: false, failed: false }
    }

    /// The lines that are new with this.
    pub fn say(&mut self, progress: &Progress) -> Vec<String> {
        match progress {
            Progress::Queued => {
                let line =
                    format!("  {} waits until another stack has rolled out (`rollouts` in the settings)", self.stack);
                if self.changes.insert(line.clone()) { vec![line] } else { Vec::new() }
            }
            Progress::Change { change, .. } => {
                let text = change.to_text(Color::Never);
                let lines = text.lines().map(|line| format!("  {line}")).collect();
                if self.changes.insert(text) { lines } else { Vec::new() }
            }
            Progress::Waiting { waiting, .. } => self.waiting(waiting),
            Progress::Stopping { tasks, .. } => {
                let line = match tasks {
                    1 => "  1 task stops".to_owned(),
                    tasks => format!("  {tasks} tasks stop"),
                };
                if self.changes.insert(line.clone()) { vec![line] } else { Vec::new() }
            }
            Progress::Trouble { message } => vec![format!("  {}; trying again", one_line(message))],
            Progress::Unwatched { away, .. } => {
                vec![format!("  {away}: that time does not count against the deadline")]
            }
            Progress::GivingWay { places, .. } => places
                .iter()
                .map(|place| format!("  {place} is changed again and again: it is no longer healed"))
                .collect(),
            // The verdict says so.
            Progress::Promoted { .. } => Vec::new(),
            Progress::Failed { release, symptoms } => {
                self.failed = true;
                failed(&self.stack, *release, symptoms)
            }
            Progress::RollingBack { release, to } => {
                self.said.clear();
                self.changes.clear();
                // Where nothing is to run, no task is waited for.
                self.steady = to.is_none();
                vec![match to {
                    Some(to) => format!("{} goes back to {to} (as {release})", self.stack),
                    None => format!("{} had no release before: what was made is removed (as {release})", self.stack),
                }]
            }
        }
    }

    /// Why a release that ended so has failed, if that was not told: another controller may have found it out, or it was
    /// missed.
    pub fn untold(&self, release: ReleaseId, outcome: &Outcome) -> Vec<String> {
        match outcome {
            Outcome::RolledBack { symptoms, .. } | Outcome::Halted { symptoms } if !self.failed => {
                failed(&self.stack, release, symptoms)
            }
            _ => Vec::new(),
        }
    }

    fn waiting(&mut self, waiting: &[Waiting]) -> Vec<String> {
        if waiting.is_empty() {
            let first = !std::mem::replace(&mut self.steady, true);
            return if first {
                vec!["  all tasks run; waiting to see whether they stay up".into()]
            } else {
                Vec::new()
            };
        }
        self.steady = false;
        waiting.iter().filter_map(|service| self.service(service)).collect()
    }

    fn service(&mut self, waiting: &Waiting) -> Option<String> {
        let what = one_line(&waiting.what);
        let line = format!("  {} {}/{} {what}", waiting.service, waiting.running, waiting.wanted);
        let before = self.said.insert(waiting.service.clone(), line.clone());
        (before.as_ref() != Some(&line)).then_some(line)
    }
}

/// What went wrong, service by service, with what to do and the last lines of the log.
pub fn failed(stack: &StackName, release: ReleaseId, symptoms: &[Symptom]) -> Vec<String> {
    let mut lines = vec![format!("{stack} {release} failed")];
    lines.extend(symptoms.iter().flat_map(symptom));
    lines
}

/// One symptom in lines.
pub fn symptom(symptom: &Symptom) -> Vec<String> {
    let subject = symptom.service.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let mut lines = vec![format!("  {subject}{}", one_line(&symptom.message))];
    lines.extend(symptom.help.iter().map(|help| format!("    help: {}", one_line(help))));
    lines.extend(symptom.log.iter().map(|line| format!("    | {}", one_line(line))));
    lines
}

/// The verdict in one line.
pub fn verdict(stack: &StackName, release: Option<ReleaseId>, outcome: &Outcome, urls: &[String]) -> String {
    let release = release.map(|id| format!(" {id}")).unwrap_or_default();
    match outcome {
        Outcome::Promoted if urls.is_empty() => format!("{stack}{release} is deployed"),
        Outcome::Promoted => format!("{stack}{release} is deployed: {}", urls.join(" ")),
        Outcome::Unchanged => format!("{stack}{release} already runs: nothing to do"),
        Outcome::RolledBack { to: Some(to), .. } => format!("{stack}{release} was not healthy; {to} runs again"),
        Outcome::RolledBack { to: None, .. } => format!("{stack}{release} was not healthy; nothing of it is left"),
        Outcome::Halted { symptoms } => {
            let why = symptoms.last().map(|symptom| format!(" ({})", one_line(&symptom.message))).unwrap_or_default();
            format!("{stack}{release} was not healthy and could not be taken back{why}: look at `skep status {stack}`")
        }
        Outcome::Superseded { by } => format!("{stack}{release} gave way to the newer {by}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let mut narrator = Narrator::new("shop".parse().unwrap());
        let waiting = |running| Progress::Waiting {
            release: ReleaseId(2),
            waiting: vec![Waiting { service: "web".parse().unwrap(), running, wanted: 2, what: "starting".into() }],
        };
        let said: Vec<_> = [0, 0, 1, 1].map(waiting).iter().flat_map(|progress| narrator.say(progress)).collect();
        assert_eq!(said, ["  web 0/2 starting", "  web 1/2 starting"]);
    }

    #[test]
    fn a_failure_is_told_once_whoever_found_it_out() {
        let mut narrator = Narrator::new("shop".parse().unwrap());
        let symptoms = vec![Symptom::whole_stack("not healthy within 10m".into())];
        let outcome = Outcome::RolledBack { to: None, symptoms: symptoms.clone() };
        assert_eq!(narrator.untold(ReleaseId(2), &outcome), ["shop r2 failed", "  not healthy within 10m"]);
        narrator.say(&Progress::Failed { release: ReleaseId(2), symptoms });
        assert_eq!(narrator.untold(ReleaseId(2), &outcome), Vec::<String>::new());
        assert_eq!(narrator.untold(ReleaseId(2), &Outcome::Promoted), Vec::<String>::new());
    }

    #[test]
    fn a_failure_says_what_to_do_and_shows_the_log() {
        let symptoms = [Symptom {
            service: Some("web".parse().unwrap()),
            help: Some("fix it".into()),
            log: vec!["panicked".into()],
            ..Symptom::whole_stack("3 tasks failed in 12 s: exit code 1".into())
        }];
        insta::assert_snapshot!(failed(&"shop".parse().unwrap(), ReleaseId(2), &symptoms).join("\n"), @"
        shop r2 failed
          web: 3 tasks failed in 12 s: exit code 1
            help: fix it
            | panicked
        ");
    }
}
