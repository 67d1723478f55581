//! The gate: turns a revision into a checked revision, or returns all findings.

mod inspection;
mod parallel;
mod stack_file;
mod told;
mod unset;
mod wanted;

use std::collections::BTreeMap;

use crate::diagnostic::render::Texts;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::rule::{Found, Mark, Rule};
use crate::lint::rules::stack::no_stack_file;
use crate::lint::settings::{Settings, Written};
use crate::lint::shellcheck::{self, Question};
use crate::mask;
use crate::name::RepoPath;
use crate::revision::{Revision, StackSource};
use crate::stack::file::File;
pub(in crate::lint) use inspection::Inspection;
use inspection::MAX_DOCKERFILES;
use stack_file::StackFile;
pub use wanted::{is_dockerfile, wanted, wanted_among};

/// A revision without errors. Only [`check()`] makes one, and only such a revision can be built and deployed.
#[derive(Debug)]
pub struct Checked {
    revision: Revision,
    stacks: Vec<CheckedStack>,
    findings: Vec<Diagnostic>,
}

impl Checked {
    /// The revision.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Its stack files, in the order of [`Revision::stack_files`]; at least one.
    pub fn stacks(&self) -> &[CheckedStack] {
        &self.stacks
    }

    /// Findings that are not errors.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }
}

/// A stack file without errors.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedStack {
    /// Its path, and the name of the stack.
    pub source: StackSource,
    /// Its contents, and the files that they come from.
    pub file: File,
}

/// Why a revision is not deployed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", crate::diagnostic::render::summary(findings))]
pub struct Rejection {
    /// All findings; at least one is an error.
    pub findings: Vec<Diagnostic>,
    /// The texts that the findings point into.
    pub texts: Texts,
}

/// Checks every stack file and Dockerfile with every rule; `variables` are filled into the stack files.
pub fn check(revision: Revision, variables: &BTreeMap<String, String>) -> Result<Checked, Rejection> {
    let written = Written::of(&revision);
    let inspection = Inspection::within(MAX_DOCKERFILES, Vec::new(), &revision, variables, &written.settings);
    let mut findings = inspection.of_revision();
    findings.extend(inspection.of_files());
    // The shell reports its syntax errors itself.
    findings.iter_mut().for_each(let_docker(|rule| rule.is(Mark::OfShell)));
    if revision.read_mode().as_written {
        findings.iter_mut().for_each(let_docker(|rule| rule.is(Mark::Deploys)));
    }
    let mut findings = inspection.told(findings, &written);
    inspection.insist_on_variables(&mut findings);
    if has_error(&findings) {
        return Err(Rejection { findings, texts: revision.texts });
    }
    let stacks = inspection.stacks.into_iter().filter_map(StackFile::checked).collect();
    Ok(Checked { revision, stacks, findings })
}

/// The findings of every rule, in the order of the files. A revision of Dockerfiles alone needs no stack file. `given`
/// overrides the settings of the revision.
pub fn findings(revision: &Revision, variables: &BTreeMap<String, String>, given: &Settings) -> Vec<Diagnostic> {
    findings_with(revision, variables, given, Vec::new())
}

/// The same, with findings of other tools in its files, to which settings and comments also apply.
pub fn findings_with(
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    given: &Settings,
    others: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut written = Written::of(revision);
    written.settings = written.settings.then(given.clone());
    let inspection = Inspection::of(revision, variables, &written.settings);
    let mut findings = inspection.of_files();
    let has_others = inspection.stacks.iter().any(|stack| !stack.is_deployed);
    let needs_stack = inspection.dockerfiles.is_empty() && revision.named.is_none();
    let mut of_revision = inspection.of_revision();
    of_revision.retain(|finding| needs_stack || has_others || finding.id() != no_stack_file::ID);
    // A repository with Compose files need not deploy any.
    let undeployed = of_revision.iter_mut().filter(|finding| has_others && finding.id() == no_stack_file::ID);
    undeployed.for_each(|finding| finding.severity = Severity::Warning);
    findings.extend(of_revision);
    findings.extend(others);
    inspection.told(findings, &written)
}

/// The inputs for `ShellCheck` from the Dockerfiles of a revision.
pub fn questions(revision: &Revision, variables: &BTreeMap<String, String>, given: &Settings) -> Vec<Question> {
    let settings = Written::of(revision).settings.then(given.clone());
    let inspection = Inspection::of(revision, variables, &settings);
    let asked = inspection.dockerfiles.iter().filter(|(path, _)| !settings.ignores_all_of(path));
    asked.flat_map(|(path, file)| shellcheck::questions(path, &revision.texts[path], file)).collect()
}

/// Turns errors into warnings if Docker accepts the file all the same: a stack that would run is not refused.
fn let_docker(go_on: impl Fn(&Rule) -> bool) -> impl Fn(&mut Diagnostic) {
    move |finding| {
        if finding.severity == Severity::Error && crate::lint::explain(finding.id()).is_some_and(&go_on) {
            finding.severity = Severity::Warning;
        }
    }
}

fn has_error(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn sort(findings: &mut [Diagnostic]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Diagnostic| (finding.place.span.start, std::cmp::Reverse(finding.severity), finding.id());
        a.place.path.cmp(&b.place.path).then_with(|| key(a).cmp(&key(b)))
    });
}

/// A finding with its message, which may quote the file.
pub(in crate::lint) fn finding(rule: &'static str, severity: Severity, path: &RepoPath, found: Found) -> Diagnostic {
    let Found { path: other, what, .. } = found;
    let found = what.in_file(other.unwrap_or_else(|| path.clone()));
    let message = mask::message(&found.message).into_owned();
    let help = found.help.map(|help| mask::message(&help).into_owned());
    Diagnostic { code: Some(rule), severity, message, help, ..found }
}

#[cfg(test)]
mod growth_tests;
#[cfg(test)]
mod tests;
