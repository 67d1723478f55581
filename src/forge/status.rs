//! What an event means for the state of a commit on its forge.

use super::{State, Status};
use crate::event::{Event, What, verdict};
use crate::name::StackName;

impl Status {
    /// The state of a commit after an event, if that changes it. A commit as a whole is shown as `stack`.
    pub fn of(event: &Event, stack: Option<&StackName>) -> Option<Self> {
        let subject = &event.subject;
        let (commit, stack) = (subject.commit.clone()?, subject.stack.as_ref().or(stack)?.clone());
        let mut target_url = None;
        let (state, description) = match &event.what {
            What::Checking { .. } => (State::Pending, "skep checks it".to_owned()),
            What::Checked { .. } => (State::Running, "skep builds and deploys".to_owned()),
            What::Rejected { why, .. } | What::GivenUp { why } | What::NotDeployed { why, stacks: 0, .. } => {
                (State::Failed, why.clone())
            }
            What::Refused { why, .. } => (State::Failed, format!("{stack} was not deployed: {why}")),
            What::Verdict { outcome, urls, .. } => {
                target_url = urls.first().cloned();
                let state = if outcome.is_good() { State::Success } else { State::Failed };
                (state, verdict(&stack, subject.release, outcome, urls))
            }
            _ => return None,
        };
        Some(Self { commit, stack, state, target_url, description })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::Subject;
    use crate::release::{Outcome, ReleaseId};

    fn told(stack: Option<&str>, what: What) -> String {
        let stack = stack.map(|name| name.parse().unwrap());
        let release = stack.is_some().then_some(ReleaseId(3));
        let subject = Subject { commit: Some("1".repeat(40).parse().unwrap()), stack, release, ..Subject::default() };
        let event = Event { at: Timestamp::UNIX_EPOCH, what, subject };
        let status = Status::of(&event, Some(&"main".parse().unwrap()));
        status.map_or_else(String::new, |it| {
            format!("{} {:?} {} {}", it.stack, it.state, it.description, it.target_url.unwrap_or_default())
        })
    }

    #[test]
    fn a_forge_is_told_how_a_commit_stands() {
        let why = || "no such image".to_owned();
        let verdict = |outcome| What::Verdict {
            outcome,
            urls: vec!["https://shop.example.com".into()],
            seconds: None,
            news: true,
        };
        let not_deployed =
            |stacks| What::NotDeployed { why: why(), stacks, failing: 1, branch_existed: true, news: true };
        let told = [
            told(None, What::Checking { subject: String::new() }),
            told(None, What::Checked { warnings: Vec::new() }),
            told(None, What::Rejected { why: why(), details: Vec::new() }),
            told(Some("shop"), What::RollingOut),
            told(Some("shop"), What::Refused { why: why(), news: false }),
            told(Some("shop"), verdict(Outcome::Promoted)),
            told(Some("shop"), verdict(Outcome::Halted { symptoms: Vec::new() })),
            told(None, not_deployed(2)),
            told(None, not_deployed(0)),
        ];
        insta::assert_snapshot!(told.join("\n"), @"
        main Pending skep checks it 
        main Running skep builds and deploys 
        main Failed no such image 

        shop Failed shop was not deployed: no such image 
        shop Success shop r3 is deployed: https://shop.example.com https://shop.example.com
        shop Failed shop r3 was not healthy and could not be taken back: look at `skep status shop` https://shop.example.com

        main Failed no such image
        ");
    }
}
