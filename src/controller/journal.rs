//! Writes events to skep's log: a line for each event that matters to an operator.
//!
//! Problems of skep itself that concern no commit and no stack are logged where they are handled.

use tracing::Level;

use crate::event::{Event, Subject, What, verdict};
use crate::health::Symptom;
use crate::text::one_line;

/// A line of the log.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    level: Level,
    message: &'static str,
    /// The details.
    why: Option<String>,
}

/// Logs an event.
pub fn write(event: &Event) {
    for line in lines(event) {
        log(&event.subject, &line);
    }
}

macro_rules! at {
    ($level:expr, $subject:ident, $line:ident) => {
        tracing::event!(
            $level,
            repository = $subject.repository.as_ref().map(display),
            branch = $subject.branch,
            commit = $subject.commit.as_ref().map(display),
            user = $subject.user,
            stack = $subject.stack.as_ref().map(display),
            release.id = $subject.release.map(display),
            why = $line.why,
            "{}",
            $line.message
        )
    };
}

fn log(subject: &Subject, line: &Line) {
    match line.level {
        Level::ERROR => at!(Level::ERROR, subject, line),
        Level::WARN => at!(Level::WARN, subject, line),
        Level::INFO => at!(Level::INFO, subject, line),
        _ => at!(Level::DEBUG, subject, line),
    }
}

/// What of an event is logged. Nothing is of those that only whoever waits wants to know.
fn lines(event: &Event) -> Vec<Line> {
    let Event { what, subject, .. } = event;
    of_commit(what).or_else(|| of_rollout(subject, what)).or_else(|| of_drift(what)).unwrap_or_default()
}

fn line(level: Level, message: &'static str, why: &str) -> Line {
    let why = Some(one_line(why).into_owned()).filter(|why| !why.is_empty());
    Line { level, message, why }
}

/// What was told before is of interest to nobody who does not look for it.
fn level(news: bool, level: Level) -> Level {
    if news { level } else { Level::DEBUG }
}

fn of_commit(what: &What) -> Option<Vec<Line>> {
    Some(vec![match what {
        What::Checking { .. } => line(Level::DEBUG, "checking a commit", ""),
        What::Checked { .. } => line(Level::DEBUG, "the checks passed", ""),
        What::Preparing { .. } => line(Level::DEBUG, "preparing the stacks of a commit", ""),
        What::Rejected { why, .. } => line(Level::WARN, "refused before anything was built", why),
        What::Accepted => line(Level::INFO, "accepted; nobody waits for the end", ""),
        What::Resumed => line(Level::INFO, "going on with what an earlier controller began", ""),
        What::Noted { note } => line(Level::INFO, "to be known", note),
        What::BuildBegun { service } => line(Level::DEBUG, "building an image", service.as_str()),
        What::Built { image, seconds, .. } => line(Level::INFO, "image built", &format!("{image} in {seconds:.1} s")),
        What::BuildFailed { service, why, .. } => line(Level::WARN, "image not built", &format!("{service}: {why}")),
        What::Deployed { seconds } => {
            let took = seconds.map(|seconds| format!("after {seconds:.1} s")).unwrap_or_default();
            line(Level::INFO, "commit deployed", &took)
        }
        What::NotDeployed { why, news, .. } => line(level(*news, Level::WARN), "commit not deployed as a whole", why),
        What::BranchMoved => line(Level::INFO, "branch moved to what runs", ""),
        What::BranchNotMoved { why } => line(Level::WARN, "the commit runs, and its branch was not moved", why),
        What::GivenUp { why } => line(Level::ERROR, "a commit is given up", why),
        What::NotFetched { why, news } => {
            line(level(*news, Level::WARN), "could not look at the repository; looking again later", why)
        }
        _ => return None,
    }])
}

fn of_rollout(subject: &Subject, what: &What) -> Option<Vec<Line>> {
    Some(vec![match what {
        What::Refused { why, news } => line(level(*news, Level::WARN), "stack not deployed", why),
        What::RollingOut => line(Level::INFO, "release rolls out", ""),
        What::Hindered { why } => line(Level::WARN, "a round could not do all it should; trying again", why),
        What::Unwatched { away } => line(Level::WARN, "a rollout was not watched for a while", &away.to_string()),
        What::Promoted => line(Level::INFO, "release promoted", ""),
        What::Failed { symptoms } => return Some(symptoms.iter().map(of_symptom).collect()),
        What::RollingBack { to: Some(to) } => line(Level::WARN, "the stack goes back", &format!("to {to}")),
        What::RollingBack { to: None } => line(Level::WARN, "what was made of the stack is removed", ""),
        What::Superseded { by } => line(Level::INFO, "release superseded", &format!("by {by}")),
        What::Verdict { outcome, urls, news, .. } => {
            let verdict = subject.stack.as_ref().map(|stack| verdict(stack, subject.release, outcome, urls));
            line(level(*news, Level::INFO), "deploy ended", &verdict.unwrap_or_default())
        }
        _ => return None,
    }])
}

fn of_symptom(symptom: &Symptom) -> Line {
    let service = symptom.service.as_ref().map(|service| format!("{service}: ")).unwrap_or_default();
    line(Level::WARN, "release failed", &format!("{service}{}", symptom.message))
}

fn of_drift(what: &What) -> Option<Vec<Line>> {
    let each = |message, places: &[String]| places.iter().map(|place| line(Level::WARN, message, place)).collect();
    Some(match what {
        What::Drifted { places } => each("it differs from its release", places),
        What::GivingWay { places } => each("somebody changes it back again and again: it is no longer healed", places),
        What::Healed { fields } => {
            vec![line(Level::INFO, "what was changed by hand is changed back", &format!("fields: {fields}"))]
        }
        What::Broke { task, why } => vec![line(Level::ERROR, "skep itself failed", &format!("at {task}: {why}"))],
        What::WorkerRestarted { worker, why } => {
            let message = "skep itself failed here; the task is begun again";
            vec![line(Level::ERROR, message, &format!("{worker}: {why}"))]
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::release::{Outcome, ReleaseId};

    fn logged(what: What) -> String {
        let subject =
            Subject { stack: Some("shop".parse().unwrap()), release: Some(ReleaseId(2)), ..Subject::default() };
        let lines = lines(&Event { at: Timestamp::UNIX_EPOCH, what, subject }).into_iter();
        let shown = lines.map(|line| format!("{} {}: {}", line.level, line.message, line.why.unwrap_or_default()));
        shown.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_line_of_the_log_reads_alone() {
        let symptom = |service: &str, message: &str| Symptom {
            service: Some(service.parse().unwrap()),
            ..Symptom::whole_stack(message.into())
        };
        let symptoms = vec![symptom("web", "exit code 1\nmore"), symptom("api", "no node")];
        let verdict = |news| What::Verdict { outcome: Outcome::Promoted, urls: Vec::new(), seconds: None, news };
        let happened = [
            What::Failed { symptoms },
            verdict(true),
            verdict(false),
            What::NotDeployed { why: "blog".into(), stacks: 2, failing: 1, branch_existed: true, news: true },
            What::Settling,
            What::WorkerRestarted { worker: "worker of shop".into(), why: "it ended".into() },
        ];
        insta::assert_snapshot!(happened.map(logged).join("\n"), @r#"
        WARN release failed: web: exit code 1\nmore
        WARN release failed: api: no node
        INFO deploy ended: shop r2 is deployed
        DEBUG deploy ended: shop r2 is deployed
        WARN commit not deployed as a whole: blog

        ERROR skep itself failed here; the task is begun again: worker of shop: it ended
        "#);
    }
}
