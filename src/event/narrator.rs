//! Events as lines for a person who waits for a push or at a terminal. Nothing is reported twice.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{build_line, failed, verdict};
use super::{Event, Subject, What};
use crate::health::Waiting;
use crate::name::{CommitId, ServiceName, StackName};
use crate::plan::Color;
use crate::release::{Outcome, ReleaseId};
use crate::text::one_line;

/// Reports the progress of a commit and of each of its stacks.
#[derive(Debug, Clone, Default)]
pub struct Narrator {
    stacks: BTreeMap<StackName, Told>,
    /// Whether details have to name their stack.
    is_of_several: bool,
    /// The last output of a builder, if nothing else was reported since.
    written: Option<(Option<StackName>, ServiceName, String)>,
}

/// What was reported of one stack.
#[derive(Debug, Clone, Default)]
struct Told {
    waiting: BTreeMap<ServiceName, String>,
    /// A change that could not be made yet is tried again each round.
    once: BTreeSet<String>,
    is_steady: bool,
    has_failed: bool,
}

impl Narrator {
    /// The new lines for this event.
    pub fn say(&mut self, event: &Event) -> Vec<String> {
        let Event { subject, what, .. } = event;
        if let What::Preparing { stacks } = what {
            self.is_of_several = stacks.len() > 1;
        }
        let lines = match &subject.stack {
            Some(stack) => self.of_stack(stack, subject, what),
            None => of_commit(subject, what),
        };
        if !lines.is_empty() {
            self.written = match what {
                What::BuildOutput { service, line } => Some((subject.stack.clone(), service.clone(), line.clone())),
                _ => None,
            };
        }
        lines
    }

    fn of_stack(&mut self, stack: &StackName, subject: &Subject, what: &What) -> Vec<String> {
        let lines = match what {
            What::BuildFailed { service, log, .. } if self.has_just_said(stack, service, log) => Vec::new(),
            What::Noted { note } if self.is_of_several => vec![format!("note: {stack}: {}", one_line(note))],
            What::Refused { why, .. } => vec![format!("{stack} was not deployed: {why}")],
            what => of_build(what).or_else(|| self.of_rollout(stack, subject.release, what)).unwrap_or_default(),
        };
        if self.is_of_several { lines.into_iter().map(|line| attributed(stack, line)).collect() } else { lines }
    }

    /// Whether the log of a failed build is shown right above.
    fn has_just_said(&self, stack: &StackName, service: &ServiceName, log: &[String]) -> bool {
        let last = self.written.as_ref().map(|(of, service, line)| (of.as_ref(), service, line));
        last.is_some() && last == log.last().map(|line| (Some(stack), service, line))
    }

    fn of_rollout(&mut self, stack: &StackName, release: Option<ReleaseId>, what: &What) -> Option<Vec<String>> {
        let told = self.stacks.entry(stack.clone()).or_default();
        told.progress(stack, what).or_else(|| told.turn(stack, release, what))
    }
}

impl Told {
    /// What a rollout does, and waits for.
    fn progress(&mut self, stack: &StackName, what: &What) -> Option<Vec<String>> {
        Some(match what {
            What::Queued => {
                self.once(format!("  {stack} waits until another stack has rolled out (`rollouts` in the settings)"))
            }
            What::Wave { changes } => {
                changes.iter().flat_map(|change| self.change(&change.to_text(Color::Never))).collect()
            }
            What::Waiting { services } => self.waiting(services),
            What::Settling => self.settling(),
            What::Stopping { tasks: 1 } => self.once("  1 task stops".to_owned()),
            What::Stopping { tasks } => self.once(format!("  {tasks} tasks stop")),
            What::Hindered { why } => vec![format!("  {}; trying again", one_line(why))],
            What::Unwatched { away } => vec![format!("  {away}: that time does not count against the deadline")],
            What::GivingWay { places } => {
                let left = |place| format!("  {place} is changed again and again: it is no longer healed");
                places.iter().map(left).collect()
            }
            _ => return None,
        })
    }

    /// How a rollout begins, what turn it takes, and how it ends.
    fn turn(&mut self, stack: &StackName, release: Option<ReleaseId>, what: &What) -> Option<Vec<String>> {
        let id = release.map(|release| format!(" {release}")).unwrap_or_default();
        Some(match what {
            What::Noted { note } => vec![format!("note: {}", one_line(note))],
            What::RollingOut => vec![format!("{stack}{id} rolls out")],
            What::Failed { symptoms } => {
                self.has_failed = true;
                failed(stack, release?, symptoms)
            }
            What::RollingBack { to } => {
                // If nothing should run, there are no tasks to wait for.
                *self = Self { is_steady: to.is_none(), has_failed: self.has_failed, ..Self::default() };
                vec![match to {
                    Some(to) => format!("{stack} goes back to {to} (as{id})"),
                    None => format!("{stack} had no release before: what was made is removed (as{id})"),
                }]
            }
            What::Verdict { outcome, urls, .. } => {
                let mut lines = self.untold(stack, release, outcome);
                lines.push(verdict(stack, release, outcome, urls));
                lines
            }
            _ => return None,
        })
    }

    fn once(&mut self, line: String) -> Vec<String> {
        if self.once.insert(line.clone()) { vec![line] } else { Vec::new() }
    }

    fn change(&mut self, text: &str) -> Vec<String> {
        let is_new = self.once.insert(text.to_owned());
        text.lines().filter(|_| is_new).map(|line| format!("  {line}")).collect()
    }

    fn settling(&mut self) -> Vec<String> {
        let was_steady = std::mem::replace(&mut self.is_steady, true);
        if was_steady { Vec::new() } else { vec!["  all tasks run; waiting to see whether they stay up".into()] }
    }

    fn waiting(&mut self, services: &[Waiting]) -> Vec<String> {
        self.is_steady = false;
        services.iter().filter_map(|service| self.service(service)).collect()
    }

    fn service(&mut self, waiting: &Waiting) -> Option<String> {
        let what = one_line(&waiting.what);
        let line = format!("  {} {}/{} {what}", waiting.service, waiting.running, waiting.wanted);
        let before = self.waiting.insert(waiting.service.clone(), line.clone());
        (before.as_ref() != Some(&line)).then_some(line)
    }

    /// Why a release with this outcome has failed, if that was not reported: another controller may have recorded it,
    /// or the event was missed.
    fn untold(&self, stack: &StackName, release: Option<ReleaseId>, outcome: &Outcome) -> Vec<String> {
        match (outcome, release) {
            (Outcome::RolledBack { symptoms, .. } | Outcome::Halted { symptoms }, Some(release))
                if !self.has_failed =>
            {
                failed(stack, release, symptoms)
            }
            _ => Vec::new(),
        }
    }
}

/// A detail, which is indented, with its stack.
fn attributed(stack: &StackName, line: String) -> String {
    match line.strip_prefix("  ") {
        Some(detail) => format!("  {stack}: {detail}"),
        None => line,
    }
}

fn of_build(what: &What) -> Option<Vec<String>> {
    Some(match what {
        What::BuildOutput { .. } | What::Pushed { .. } => {
            build_line(what).iter().map(|(service, line)| format!("  {service} | {line}")).collect()
        }
        What::Built { .. } => build_line(what).iter().map(|(service, line)| format!("  {service}: {line}")).collect(),
        What::ImageFound { service, image } => vec![format!("  {service}: {image} already exists")],
        What::ImageKept { service } => vec![format!("  {service}: this image already runs and is kept")],
        // Why is in the verdict.
        What::BuildFailed { log, .. } => log.iter().map(|line| format!("    | {line}")).collect(),
        _ => return None,
    })
}

fn of_commit(subject: &Subject, what: &What) -> Vec<String> {
    match what {
        What::Checking { subject: message } => {
            let commit = subject.commit.as_ref().map(CommitId::short).unwrap_or_default();
            vec![format!("checking {commit} {}", one_line(message))]
        }
        What::Checked { warnings } => warnings.clone(),
        What::Rejected { details, .. } => details.clone(),
        What::NotForDeploy { deployed: Some(branch) } => {
            vec![format!("nothing is deployed by this push: this repository deploys the branch {branch}")]
        }
        What::NotForDeploy { deployed: None } => {
            vec!["nothing is deployed by this push: skep deploys the branch main (or master)".to_owned()]
        }
        What::Accepted => {
            let branch = subject.branch_shown();
            vec![format!(
                "accepted; the deploy goes on in the background and moves `{branch}` when it is done, see `skep status`"
            )]
        }
        What::Noted { note } => vec![format!("note: {note}")],
        What::NotDeployed { .. } => not_deployed(subject, what).into_iter().collect(),
        What::BranchNotMoved { why } => {
            vec![format!("error: this commit runs, but `{}` was not moved to it: {why}", subject.branch_shown())]
        }
        What::Broke { task, why } => vec![format!("error: skep itself failed on {task}: {why}; see the log of skep")],
        What::Missed { count: 1 } => vec!["(1 line was left out here: it could not be sent in time)".to_owned()],
        What::Missed { count } => vec![format!("({count} lines were left out here: they could not be sent in time)")],
        _ => Vec::new(),
    }
}

/// The line for a commit that the verdicts of its stacks do not cover: the branch was not moved, and why.
fn not_deployed(subject: &Subject, what: &What) -> Option<String> {
    let What::NotDeployed { why, stacks, failing, branch_existed, .. } = what else { return None };
    match (stacks, failing) {
        (1, 1) => None,
        (0, _) => Some(format!("error: {why}")),
        (all, failing) => {
            let (branch, verb) = (subject.branch_shown(), if *failing == 1 { "does" } else { "do" });
            let stays = if *branch_existed { "stays where it was" } else { "is not made" };
            Some(format!("`{branch}` {stays}: {failing} of {all} stacks {verb} not run this commit"))
        }
    }
}
