//! The findings that are reported: without those that settings and comments disable, and up to a limit.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lint::applied::doubts;
use crate::lint::buildkit;
use crate::lint::check::stack_file::StackFile;
use crate::lint::check::{Inspection, finding, sort};
use crate::lint::rule::{Found, MAX_FOUND, Rule};
use crate::lint::rules::own;
use crate::lint::settings::Written;
use crate::lint::suppress::Comments;
use crate::name::RepoPath;

impl Inspection<'_> {
    /// The reported findings: without those that settings and comments disable, in the order of the files, and with
    /// findings about the settings and comments themselves.
    pub(super) fn told(&self, mut findings: Vec<Diagnostic>, written: &Written) -> Vec<Diagnostic> {
        findings.retain(|finding| !self.is_ignored(finding));
        let mut by_file: BTreeMap<RepoPath, Vec<Diagnostic>> = BTreeMap::new();
        for path in self.stacks.iter().map(|stack| &stack.source.path).chain(self.dockerfiles.keys()) {
            by_file.entry(path.clone()).or_default();
        }
        for finding in findings {
            by_file.entry(finding.place.path.clone()).or_default().push(finding);
        }
        let mut told = self.of_settings(written);
        told.extend(by_file.into_iter().flat_map(|(path, findings)| self.told_of(&path, findings)));
        sort(&mut told);
        // What several stacks use is looked at as often.
        told.dedup();
        told
    }

    fn is_ignored(&self, finding: &Diagnostic) -> bool {
        let path = &finding.place.path;
        let other = |stack: &StackFile| !stack.is_deployed && stack.source.path == *path;
        if crate::lint::explain(finding.id()).is_some_and(Rule::must_hold) {
            return self.stacks.iter().any(other) && self.settings.ignores_all_of(path);
        }
        self.settings.ignores_id(path, finding.id())
    }

    fn told_of(&self, path: &RepoPath, mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let Some(mut comments) = self.comments(path) else { return few_of_each(path, findings) };
        if !self.settings.disable_ignore_pragma {
            comments.sift(&mut findings);
            self.dockerfiles.get(path).into_iter().for_each(|file| buildkit::heed(file, &mut findings));
            let understood = self.is_understood(path);
            let unused = if understood { comments.unused(self.settings) } else { Vec::new() };
            findings.extend(self.remarked(own::UNUSED, path, unused));
            findings.extend(self.remarked(own::UNKNOWN, path, comments.doubts()));
        }
        let used = comments.of_hadolint().map(|span| {
            Diagnostic::new(span.clone(), "a comment switches rules off")
                .help("switch them off in the settings, or do without")
        });
        findings.extend(self.remarked(own::IGNORE, path, used.collect()));
        few_of_each(path, findings)
    }

    fn comments(&self, path: &RepoPath) -> Option<Comments> {
        let text = self.revision.texts.get(path)?;
        Some(match self.dockerfiles.get(path) {
            Some(file) => Comments::of_dockerfile(text, file),
            None => Comments::of_yaml(text),
        })
    }

    /// Whether every rule could check a file, so that no finding means no problem.
    fn is_understood(&self, path: &RepoPath) -> bool {
        match self.dockerfiles.get(path) {
            Some(file) => file.problems.is_empty(),
            None => self.stacks.iter().any(|stack| stack.source.path == *path && stack.is_clear()),
        }
    }

    fn remarked(&self, rule: &'static Rule, path: &RepoPath, remarks: Vec<Diagnostic<Span>>) -> Vec<Diagnostic> {
        let Some(severity) = self.settings.severity(rule).filter(|_| !self.settings.ignores(path, rule)) else {
            return Vec::new();
        };
        remarks.into_iter().map(|remark| finding(rule.id, severity, path, remark.into())).collect()
    }

    /// Findings about the settings.
    fn of_settings(&self, written: &Written) -> Vec<Diagnostic> {
        let misfits = written.misfits.iter().map(|misfit| (own::SETTINGS, misfit));
        let doubts = doubts(written);
        let doubts = doubts.iter().map(|misfit| (own::UNKNOWN, misfit));
        let told = |(rule, misfit): (&'static Rule, &Diagnostic)| {
            let severity = if rule.id == own::SETTINGS.id { Some(rule.severity) } else { self.settings.severity(rule) };
            Some(finding(rule.id, severity?, &misfit.place.path, misfit.clone().into()))
        };
        misfits.chain(doubts).filter_map(told).collect()
    }
}

/// At most fifty findings of each rule for a file, and how many more there are.
fn few_of_each(path: &RepoPath, mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut counts: BTreeMap<&'static str, (usize, Severity)> = BTreeMap::new();
    findings.retain(|finding| {
        let (count, worst) = counts.entry(finding.id()).or_insert((0, finding.severity));
        *count += 1;
        *worst = finding.severity.max(*worst);
        *count <= MAX_FOUND
    });
    let more = counts.into_iter().filter(|(_, (count, _))| *count > MAX_FOUND);
    findings.extend(more.map(|(rule, (count, severity))| {
        let message = match count - MAX_FOUND {
            // Some rules stop after one finding more than are shown.
            1 => "more findings of this rule are not shown".to_owned(),
            more => format!("{more} more findings of this rule are not shown"),
        };
        finding(rule, severity, path, Found::new(&(0..0), message).help("mend those that are shown, and look again"))
    }));
    findings
}
