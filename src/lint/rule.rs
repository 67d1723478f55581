//! What a rule is: an id, a page that is its documentation and its test, and a function.

use crate::lint::Severity;
pub(super) use crate::lint::found::Found;
use crate::lint::subject::{DockerfileSubject, Reading, StackSubject};
use crate::revision::Revision;

/// A rule: something that every stack file or Dockerfile is asked.
#[derive(Debug)]
pub struct Rule {
    /// Its id, which never changes its meaning: `SK0…` for what is said to the linter itself, `SK1…` for what will not
    /// deploy, `SK2…` for what is silently different, `SK3…` for availability, `SK4…` for Traefik, `SK5…` and `DL…` for
    /// Dockerfiles, `SC…` for the shell in them.
    pub id: &'static str,
    /// How bad its findings are, if no settings say otherwise.
    pub severity: Severity,
    /// What else is to be known about it.
    pub(super) marks: &'static [Mark],
    /// The doc comment, each line with the space that follows the slashes.
    pub(super) comment: &'static str,
    /// The function.
    pub(super) check: Check,
}

/// Something that is to be known about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is only asked if settings say so.
    Off,
    /// It has a fix for some of what it finds.
    Fixes,
    /// Nothing can be deployed where it finds something, so that no settings switch it off.
    Holds,
    /// It is about what a shell says by itself, so that it keeps nothing from being deployed.
    OfShell,
    /// It is about what is not known, and so has something to say where others have not.
    Unknown,
    /// Docker deploys a file over its errors all the same.
    Deploys,
    /// It concludes from what does not exist, and so has nothing to say of what is not understood.
    Whole,
    /// It concludes from names that the file does not define, and so has nothing to say where any is not understood.
    Names,
    /// It concludes from what no service uses, and so has nothing to say where any is not understood.
    Uses,
}

/// What a rule looks at.
#[derive(Debug)]
pub(super) enum Check {
    /// A revision as a whole.
    Revision(fn(&Revision) -> Vec<Found>),
    /// The attempt to read a stack file.
    Reading(fn(&Reading<'_>) -> Vec<Found>),
    /// A stack file that was understood.
    Stack(fn(&StackSubject<'_>) -> Vec<Found>),
    /// A stack file in which no other rule found an error.
    Last(fn(&StackSubject<'_>) -> Vec<Found>),
    /// All stack files that were understood, together.
    Stacks(fn(&[StackSubject<'_>]) -> Vec<Found>),
    /// Nothing here: what is seen in the swarm is handed in ([`crate::lint::live`]).
    Swarm(()),
    /// A Dockerfile.
    Dockerfile(fn(&DockerfileSubject<'_>) -> Vec<Found>),
    /// What is said to the linter itself: found where settings and comments are carried out.
    Own,
}

/// The most findings that a rule is shown with for one file: who has so many reads no more of them.
pub(super) const MAX_FOUND: usize = 50;
/// The most findings of a rule for one file that are looked at.
pub(super) const MAX_LOOKED_AT: usize = 10_000;

impl Rule {
    /// What it is about, in one sentence.
    pub fn title(&self) -> &'static str {
        self.comment.trim_start().lines().next().unwrap_or_default()
    }

    /// Whether it is only asked if settings say so.
    pub fn is_off(&self) -> bool {
        self.is(Mark::Off)
    }

    /// Whether it has a fix for some of what it finds.
    pub fn fixes(&self) -> bool {
        self.is(Mark::Fixes)
    }

    /// Whether it bears this mark.
    pub(super) fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Whether nothing can be deployed where it finds something, so that no settings switch it off.
    pub fn must_hold(&self) -> bool {
        self.is(Mark::Holds)
    }

    /// `error`, `warning`, `info` or `style`.
    pub fn level(&self) -> &'static str {
        self.severity.name()
    }

    /// Its page, in Markdown: what is wrong, why, what to write instead.
    pub fn page(&self) -> String {
        let lines = self.comment.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.map(|line| if line.starts_with("```") { plain_fence(line) } else { format!("{line}\n") }).collect()
    }
}

/// The opening of a block without the words that are for the test of the page.
fn plain_fence(line: &str) -> String {
    let mut words = line.split(' ');
    let language = words.next().unwrap_or_default();
    match words.next() {
        Some("bad") => format!("Not:\n\n{language}\n"),
        Some("good") => format!("But:\n\n{language}\n"),
        Some("settings") => format!("With these settings in `skep-lint.yaml`:\n\n{language}\n"),
        _ => format!("{line}\n"),
    }
}

/// Makes a rule of a page, an id, a severity, a check, and marks: `"DL9999", Info, Dockerfile(check), Off, Fixes`.
macro_rules! rule {
    ($(#[doc = $page:literal])* $id:literal, $severity:ident, $check:ident $(($function:expr))? $(, $mark:ident)*) => {
        $(#[doc = $page])*
        pub(super) static RULE: $crate::lint::rule::Rule = $crate::lint::rule::Rule {
            id: $id,
            severity: $crate::lint::Severity::$severity,
            marks: &[$($crate::lint::rule::Mark::$mark),*],
            comment: concat!($($page, "\n"),*),
            check: $crate::lint::rule::Check::$check $(($function))?,
        };
    };
}

pub(super) use rule;
