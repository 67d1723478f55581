//! The Dockerfile rules beside the real hadolint: both read the cases in `cases/`, and must say the same about the same
//! lines.
//!
//! `differences.txt` lists what hadolint is wrong about, with a reason each; an entry that is no difference any more fails.
//! hadolint names the first line of an instruction, whatever it means in it. skep names the place itself, so a place is
//! taken to the first line of its instruction before the two are compared.
//!
//! `HADOLINT_CASES=FOLDER` compares the two over other files: `FOLDER/NAME/Dockerfile`.
#![expect(clippy::unwrap_used, reason = "a failed preparation fails the test, with its message")]
#![expect(clippy::print_stderr, reason = "a test says what it skips")]
#![expect(
    clippy::disallowed_methods,
    reason = "the test starts the real hadolint, which it looks for in the environment"
)]

mod case;
mod difference;
mod hadolint;
mod ours;
mod shellcheck;

use std::collections::{BTreeMap, BTreeSet};

use case::Case;
use difference::{Difference, Side};

/// What no rule of skep says yet: of the file as a whole, and of the shell inside of `RUN`. Only ever take something out.
const PENDING: &[&str] = &["DL1001"];

/// Where our severity is another one than hadolint's, and why.
const SEVERITIES: &[(&str, &str)] = &[
    ("DL3000", BUILDS),
    ("DL3004", BUILDS),
    ("DL3012", BUILDS),
    ("DL3020", BUILDS),
    ("DL3021", BUILDS),
    ("DL3024", BUILDS),
    ("DL3044", BUILDS),
    ("DL4000", BUILDS),
    ("DL4004", BUILDS),
];
const BUILDS: &str = "Docker builds it all the same, and an error is only what it refuses, or what cannot work";

/// What is said about a line: the rule and the line.
type Said = BTreeSet<(String, usize)>;

#[test]
fn skep_says_what_hadolint_says() {
    let Some(theirs) = hadolint::said() else { return };
    are_listed(&differences(&case::all(), &theirs), "differences.txt");
}

/// hadolint shows only some of what `ShellCheck` says about an instruction; here nothing is hidden.
#[test]
fn skep_says_what_shellcheck_says_of_scripts() {
    let cases = case::all();
    let Some(theirs) = shellcheck::said(&cases) else { return };
    let between = |case: &Case| {
        let (ours, theirs) = (ours::said_of_scripts(case), &theirs[case.name.as_str()]);
        [one_side(case, Side::Shellcheck, theirs, &ours), one_side(case, Side::Skep, &ours, theirs)].concat()
    };
    are_listed(&cases.iter().flat_map(between).collect(), "shellcheck.txt");
}

/// Exactly these differences are in a list, each with a reason.
fn are_listed(found: &BTreeSet<Difference>, file: &str) {
    let listed = if case::elsewhere().is_some() { BTreeMap::new() } else { difference::listed(file) };
    let new: Vec<String> = found.iter().filter(|one| !listed.contains_key(one)).map(ToString::to_string).collect();
    let gone: Vec<String> = listed.keys().filter(|one| !found.contains(*one)).map(ToString::to_string).collect();
    assert!(new.is_empty(), "not in {file}:\n{}", new.join("\n"));
    assert!(gone.is_empty(), "in {file}, but no difference:\n{}", gone.join("\n"));
}

#[test]
fn there_are_enough_cases_with_names_of_their_own() {
    let cases = case::all();
    if case::elsewhere().is_some() {
        return;
    }
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    let texts: BTreeSet<_> = cases.iter().map(|case| (&case.settings, &case.text)).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    assert_eq!(texts.len(), cases.len(), "two cases have the same text");
    assert!(cases.len() >= 400, "{} cases", cases.len());
}

#[test]
fn every_rule_is_found_in_some_case() {
    let (Some(theirs), None) = (hadolint::said(), case::elsewhere()) else { return };
    let mut hit: BTreeMap<&str, usize> = BTreeMap::new();
    theirs.values().flat_map(Said::iter).for_each(|(rule, _)| *hit.entry(rule).or_default() += 1);
    let never: Vec<&&str> = ours::IDS.iter().filter(|id| !hit.contains_key(**id)).collect();
    assert!(never.is_empty(), "no case shows {never:?}");
}

/// A severity that a rule has with us and not with hadolint is one of those that are meant.
#[test]
fn severities_are_those_of_hadolint() {
    let Some(theirs) = hadolint::levels() else { return };
    let ours = ours::levels();
    let other: Vec<String> = theirs
        .iter()
        .filter_map(|(rule, level)| ours.get(rule).filter(|ours| *ours != level).map(|ours| (rule, level, ours)))
        .filter(|(rule, ..)| !SEVERITIES.iter().any(|(known, _)| known == *rule))
        .map(|(rule, level, ours)| format!("{rule} is {ours}, and {level} in hadolint"))
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
}

/// What only one of the two says.
fn differences(cases: &[Case], theirs: &BTreeMap<&str, Said>) -> BTreeSet<Difference> {
    let nothing = Said::new();
    let of_case = |case: &Case| between(case, theirs.get(case.name.as_str()).unwrap_or(&nothing));
    cases.iter().flat_map(of_case).collect()
}

/// A file that hadolint cannot read has no other findings, so there is nothing to compare them with.
fn between(case: &Case, theirs: &Said) -> Vec<Difference> {
    let is_unread = theirs.iter().any(|(rule, _)| rule == "DL1000");
    let compared = |said: &Said| -> Said {
        let known =
            |rule: &str| ours::IDS.contains(&rule) && !PENDING.contains(&rule) && (!is_unread || rule == "DL1000");
        said.iter().filter(|(rule, _)| known(rule)).cloned().collect()
    };
    // hadolint shows only the last of what ShellCheck says about an instruction.
    let mut ours = ours::said(case);
    ours.retain(|said| theirs.contains(said) || !hides(theirs, said));
    let (ours, theirs) = (compared(&ours), compared(theirs));
    [one_side(case, Side::Hadolint, &theirs, &ours), one_side(case, Side::Skep, &ours, &theirs)].concat()
}

/// What these say and the others do not.
fn one_side(case: &Case, side: Side, these: &Said, others: &Said) -> Vec<Difference> {
    let only = these.difference(others);
    only.map(|(rule, line)| Difference { case: case.name.clone(), side, rule: rule.clone(), line: *line }).collect()
}

/// Whether hadolint may have hidden a finding of `ShellCheck` behind another one about the same line.
fn hides(theirs: &Said, (rule, line): &(String, usize)) -> bool {
    rule.starts_with("SC") && theirs.iter().any(|(other, at)| other.starts_with("SC") && at == line)
}
