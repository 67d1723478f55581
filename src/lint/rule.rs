//! The definition of a rule: an id, a page that is its documentation and its test, and a function.

use crate::diagnostic::Severity;
pub(super) use crate::lint::found::Found;
use crate::lint::subject::{DockerfileSubject, Reading, StackSubject};
use crate::revision::Revision;

/// A rule: a check of every stack file or Dockerfile.
#[derive(Debug)]
pub struct Rule {
    /// Its id, which never changes its meaning: `SK0…` for settings and comments of the linter, `SK1…` for errors that
    /// prevent a deploy, `SK2…` for silent differences, `SK3…` for availability, `SK4…` for Traefik, `SK5…` and `DL…`
    /// for Dockerfiles, `SC…` for the shell in them.
    pub id: &'static str,
    /// The severity of its findings, unless settings override it.
    pub severity: Severity,
    /// Its marks.
    pub(super) marks: &'static [Mark],
    /// The doc comment, each line with the space that follows the slashes.
    pub(super) comment: &'static str,
    /// The function.
    pub(super) check: Check,
}

/// A property of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is disabled unless settings enable it.
    Off,
    /// It has a fix for some of its findings.
    Fixes,
    /// Its findings prevent a deploy, so settings cannot disable it.
    Holds,
    /// The shell reports the same error itself, so its findings do not prevent a deploy.
    OfShell,
    /// It reports unknown values, and so runs where other rules do not.
    Unknown,
    /// Docker deploys a file in spite of its errors.
    Deploys,
    /// It concludes from missing entries, and so does not run if entries are not understood.
    Whole,
    /// It concludes from names that the file does not define, and so does not run if a name is not understood.
    Names,
    /// It concludes from entries that no service uses, and so does not run if a service is not understood.
    Uses,
}

/// The input of a rule.
#[derive(Debug)]
pub(super) enum Check {
    /// A revision as a whole.
    Revision(fn(&Revision) -> Vec<Found>),
    /// The attempt to read a stack file.
    Reading(fn(&Reading<'_>) -> Vec<Found>),
    /// A valid stack file.
    Stack(fn(&StackSubject<'_>) -> Vec<Found>),
    /// A stack file in which no other rule found an error.
    Last(fn(&StackSubject<'_>) -> Vec<Found>),
    /// All valid stack files together.
    Stacks(fn(&[StackSubject<'_>]) -> Vec<Found>),
    /// None: the observations in the swarm are passed in ([`crate::lint::live`]).
    Swarm(()),
    /// A Dockerfile.
    Dockerfile(fn(&DockerfileSubject<'_>) -> Vec<Found>),
    /// Settings and comments of the linter, which are checked when they are applied.
    Own,
}

/// The most findings of a rule that are shown for one file: nobody reads more.
pub(super) const MAX_FOUND: usize = 50;
/// The most findings of a rule for one file that are processed.
pub(super) const MAX_LOOKED_AT: usize = 10_000;

impl Rule {
    /// Its title, in one sentence.
    pub fn title(&self) -> &'static str {
        self.comment.trim_start().lines().next().unwrap_or_default()
    }

    /// Whether it is disabled unless settings enable it.
    pub fn is_off(&self) -> bool {
        self.is(Mark::Off)
    }

    /// Whether it has a fix for some of its findings.
    pub fn fixes(&self) -> bool {
        self.is(Mark::Fixes)
    }

    /// Whether it has this mark.
    pub(super) fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Whether its findings prevent a deploy, so that settings cannot disable it.
    pub fn must_hold(&self) -> bool {
        self.is(Mark::Holds)
    }

    /// `error`, `warning`, `info` or `style`.
    pub fn level(&self) -> &'static str {
        self.severity.name()
    }

    /// Its page, in Markdown: the problem, the reason, the alternative.
    pub fn page(&self) -> String {
        let lines = self.comment.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
        lines.map(|line| if line.starts_with("```") { plain_fence(line) } else { format!("{line}\n") }).collect()
    }
}

/// The opening of a code block without the words for the test of the page.
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
            severity: $crate::diagnostic::Severity::$severity,
            marks: &[$($crate::lint::rule::Mark::$mark),*],
            comment: concat!($($page, "\n"),*),
            check: $crate::lint::rule::Check::$check $(($function))?,
        };
    };
}

pub(super) use rule;
