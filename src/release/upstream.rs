//! The state of a watched repository: when it was last fetched, why that fails, and the result of its commit.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::name::{CommitId, Repository};
use crate::time;

/// The most recorded lines of a reason, and the most characters of each.
const LINES: (usize, usize) = (24, 300);
/// The first pause after a fetch that failed for a reason that may pass.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// The longest pause between two failed fetches, unless the repository is polled less often.
const LONGEST_LOOK: Duration = Duration::from_mins(5);
/// The first and the longest pause before a commit is tried again that was refused for a reason that may pass.
const ATTEMPTS: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(15)];
/// How old the recorded time of the last fetch may become.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// A watched repository. Kept in the swarm, so that commands can show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// Its name in the settings.
    #[serde(serialize_with = "key")]
    pub repository: Repository,
    /// Its address, without credentials.
    pub url: String,
    /// The branch that is deployed.
    pub branch: String,
    /// When it was last fetched successfully, by the controller's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Timestamp>,
    /// The commit of the branch then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Why it cannot be fetched; `None` if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// The result of the commit.
    #[serde(flatten)]
    pub handled: Handled,
}

/// Why a repository cannot be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When it began.
    pub since: Timestamp,
    /// How many fetches have failed since.
    pub tries: u32,
    /// Why the last one failed, and what to do.
    pub why: String,
    /// When the next fetch is due; `None` if only other settings can help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
}

/// What can resolve a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Time: a server is unavailable.
    Time,
    /// A change elsewhere: the rights of a token, a branch.
    Elsewhere,
    /// Other settings, and a restart of skep.
    Settings,
}

/// The result of the newest commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Handled {
    /// Nothing yet.
    Pending,
    /// The commit is being checked, built and deployed.
    Underway,
    /// All of its stacks run it.
    Runs,
    /// It did not pass the checks.
    Refused {
        /// When.
        at: Timestamp,
        /// The findings, in lines.
        why: Vec<String>,
    },
    /// It passed the checks, but not all of its stacks run it.
    Failed {
        /// When.
        at: Timestamp,
        /// Why, in lines.
        why: Vec<String>,
        /// How often it has been tried.
        tries: u32,
        /// When it is tried again; `None` if only a change can help.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
}

impl Upstream {
    /// A repository that has not been fetched yet.
    pub fn new(repository: Repository, url: &str, branch: &str) -> Self {
        Self {
            repository,
            url: url.to_owned(),
            branch: branch.to_owned(),
            looked: None,
            commit: None,
            trouble: None,
            handled: Handled::Pending,
        }
    }

    /// Notes a successful fetch: the branch points at this commit.
    pub fn found(&mut self, commit: &CommitId, now: Timestamp) {
        (self.looked, self.trouble) = (Some(now), None);
        if self.commit.as_ref() != Some(commit) {
            (self.commit, self.handled) = (Some(commit.clone()), Handled::Pending);
        }
    }

    /// Notes a failed fetch; returns when the next one is due. `poll` is the pause between two successful fetches.
    pub fn failed_to_look(&mut self, why: &str, remedy: Remedy, poll: Duration, now: Timestamp) {
        let (since, tries) = self.trouble.as_ref().map_or((now, 1), |it| (it.since, it.tries.saturating_add(1)));
        let first = match remedy {
            Remedy::Time => Some(FIRST_LOOK.min(poll)),
            Remedy::Elsewhere => Some(poll),
            Remedy::Settings => None,
        };
        let next = first.map(|first| after(now, doubled(first, tries, LONGEST_LOOK.max(poll))));
        self.trouble = Some(Trouble { since, tries, why: bounded(why), next });
    }

    /// Notes that the commit did not pass the checks.
    pub fn refused(&mut self, why: &[String], now: Timestamp) {
        self.handled = Handled::Refused { at: now, why: bounded_lines(why) };
    }

    /// Notes that not all stacks run the commit. It is tried again later if the reason may pass.
    pub fn failed(&mut self, why: &[String], before: u32, may_pass: bool, now: Timestamp) {
        let tries = before.saturating_add(1);
        let next = may_pass.then(|| after(now, doubled(ATTEMPTS[0], tries, ATTEMPTS[1])));
        let lines: Vec<String> = why.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        self.handled = Handled::Failed { at: now, why: bounded_lines(&lines), tries, next };
    }

    /// How often the commit was tried and failed.
    pub fn tries(&self) -> u32 {
        if let Handled::Failed { tries, .. } = &self.handled { *tries } else { 0 }
    }

    /// When the commit is tried again, if it is.
    pub fn retry(&self) -> Option<Timestamp> {
        if let Handled::Failed { next, .. } = &self.handled { *next } else { None }
    }

    /// The state in a few words: the worst that applies.
    pub fn word(&self) -> &'static str {
        match (&self.trouble, &self.handled) {
            (Some(_), _) => "failing",
            (None, Handled::Pending) => "new",
            (None, Handled::Underway) => "deploying",
            (None, Handled::Runs) => "up to date",
            (None, Handled::Refused { .. }) => "refused",
            (None, Handled::Failed { .. }) => "failed",
        }
    }

    /// Whether the newest known commit of the repository runs.
    pub fn is_good(&self) -> bool {
        self.trouble.is_none() && self.handled == Handled::Runs
    }

    /// Its problems, in lines; empty if there are none.
    pub fn complaint(&self, now: Timestamp) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(Trouble { since, tries, why, next }) = &self.trouble {
            lines.push(match next {
                Some(next) => format!("{why} ({}; {})", times(*tries, *since, now), due(*next, now)),
                None => format!("{why} (correct the settings, and start skep again)"),
            });
        }
        match &self.handled {
            Handled::Refused { why, .. } => lines.extend(why.iter().cloned()),
            Handled::Failed { why, next, .. } => {
                lines.extend(why.iter().cloned());
                lines.extend(next.map(|next| due(next, now)));
            }
            Handled::Pending | Handled::Underway | Handled::Runs => {}
        }
        lines
    }

    /// Whether `newer` differs in something that people want to know.
    pub fn is_outdated(&self, newer: &Self) -> bool {
        let timeless = |upstream: &Self| Self { looked: None, ..upstream.clone() };
        timeless(self) != timeless(newer)
            || match (self.looked, newer.looked) {
                (Some(noted), Some(looked)) => looked.duration_since(noted) >= NOTED_EVERY,
                (noted, looked) => noted != looked,
            }
    }
}

/// The pause after the `tries`th failure.
fn doubled(first: Duration, tries: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(longest)
}

fn after(now: Timestamp, pause: Duration) -> Timestamp {
    time::after(now, SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX))
}

fn times(tries: u32, since: Timestamp, now: Timestamp) -> String {
    let looks = if tries == 1 { "1 look has failed".to_owned() } else { format!("{tries} looks have failed") };
    format!("{looks} in {}", Span(now.duration_since(since)))
}

fn due(next: Timestamp, now: Timestamp) -> String {
    match next.duration_since(now) {
        left if left > SignedDuration::ZERO => format!("tried again in {}", Span(left)),
        _ => "tried again now".to_owned(),
    }
}

/// A duration in its largest unit.
struct Span(SignedDuration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs().max(0) {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7200 => write!(f, "{} min", seconds / 60),
            seconds => write!(f, "{} h", seconds / 3600),
        }
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(LINES.1).collect()
}

fn bounded_lines(lines: &[String]) -> Vec<String> {
    let more = lines.len().saturating_sub(LINES.0);
    let mut kept: Vec<String> = lines.iter().take(LINES.0).map(|line| bounded(line)).collect();
    if more > 0 {
        kept.push(format!("and {more} more {}", if more == 1 { "line" } else { "lines" }));
    }
    kept
}

/// The name of a watched repository without the word `watched`.
fn key<S: serde::Serializer>(repository: &Repository, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&repository.key())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    fn commit(digit: &str) -> CommitId {
        digit.repeat(40).parse().unwrap()
    }

    fn shop() -> Upstream {
        Upstream::new("shop".into(), "https://example.com/shop.git", "main")
    }

    /// The pauses after the first failures, in seconds.
    fn pauses(remedy: Remedy, poll: u64) -> Vec<i64> {
        let mut shop = shop();
        let pause = |_| {
            shop.failed_to_look("away", remedy, Duration::from_secs(poll), START);
            shop.trouble.as_ref().unwrap().next.unwrap().duration_since(START).as_secs()
        };
        (0..8).map(pause).collect()
    }

    #[test]
    fn a_repository_that_is_away_is_asked_less_and_less_often() {
        assert_eq!(pauses(Remedy::Time, 60), [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pauses(Remedy::Time, 1), [1, 2, 4, 8, 16, 32, 64, 128]);
        assert_eq!(
            pauses(Remedy::Elsewhere, 60),
            [60, 120, 240, 300, 300, 300, 300, 300],
            "a token is not tried all the time"
        );
        assert_eq!(pauses(Remedy::Time, 3600)[..2], [5, 10]);
        assert_eq!(pauses(Remedy::Elsewhere, 3600)[..2], [3600, 3600]);
    }

    #[test]
    fn a_commit_that_may_pass_later_is_tried_again_later_and_later() {
        let mut shop = shop();
        let pause = |_| {
            shop.failed(&["no image".into()], shop.tries(), true, START);
            shop.retry().unwrap().duration_since(START).as_secs()
        };
        assert_eq!((0..7).map(pause).collect::<Vec<_>>(), [30, 60, 120, 240, 480, 900, 900]);
        shop.failed(&["not healthy".into()], 0, false, START);
        assert_eq!(shop.retry(), None);
    }

    #[test]
    fn a_person_reads_what_is_wrong() {
        let mut shop = shop();
        let said = |shop: &Upstream| format!("{}\n{}", shop.word(), shop.complaint(at(100)).join("\n"));
        let mut all = vec![said(&shop)];
        shop.found(&commit("1"), at(0));
        shop.handled = Handled::Runs;
        all.push(said(&shop));
        shop.failed_to_look("https://example.com does not answer: 503", Remedy::Time, Duration::from_mins(1), at(40));
        shop.failed_to_look("https://example.com does not answer: 503", Remedy::Time, Duration::from_mins(1), at(95));
        all.push(said(&shop));
        shop.failed_to_look("ssh is not supported yet", Remedy::Settings, Duration::from_mins(1), at(96));
        all.push(said(&shop));
        shop.found(&commit("2"), at(96));
        shop.refused(&["stack.yml:3:5: error[SK1003]: there is no network `front`".into()], at(97));
        all.push(said(&shop));
        shop.failed(&["shop was not deployed:\nthe image `app:3` cannot be found".into()], 0, true, at(98));
        all.push(said(&shop));
        insta::assert_snapshot!(all.join("\n"), @"
        new

        up to date

        failing
        https://example.com does not answer: 503 (2 looks have failed in 60 s; tried again in 5 s)
        failing
        ssh is not supported yet (correct the settings, and start skep again)
        refused
        stack.yml:3:5: error[SK1003]: there is no network `front`
        failed
        shop was not deployed:
        the image `app:3` cannot be found
        tried again in 28 s
        ");
    }

    #[test]
    fn a_newer_commit_makes_what_was_said_of_the_older_one_old() {
        let mut shop = shop();
        shop.found(&commit("1"), at(0));
        shop.refused(&["broken".into()], at(0));
        shop.found(&commit("1"), at(60));
        assert_eq!(shop.word(), "refused");
        shop.found(&commit("2"), at(120));
        assert_eq!(shop.handled, Handled::Pending);
    }

    #[test]
    fn a_look_that_finds_nothing_new_is_noted_now_and_then() {
        let mut noted = shop();
        noted.found(&commit("1"), at(0));
        let later = |seconds| Upstream { looked: Some(at(seconds)), ..noted.clone() };
        assert!(!noted.is_outdated(&later(299)));
        assert!(noted.is_outdated(&later(300)));
        assert!(noted.is_outdated(&Upstream { handled: Handled::Runs, ..later(1) }));
    }

    #[test]
    fn it_is_the_same_after_it_was_written() {
        let mut shop = shop();
        shop.found(&commit("1"), at(0));
        shop.failed(&vec!["line".to_owned(); 30], 2, true, at(0));
        let text = serde_json::to_string(&shop).unwrap();
        assert_eq!(serde_json::from_str::<Upstream>(&text).unwrap(), shop);
        assert_eq!(shop.complaint(at(0)).len(), 24 + 2);
    }
}
