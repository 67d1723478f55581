//! Comments that switch rules off: `# skep ignore=SK3001`, and those of hadolint and BuildKit.
//!
//! `# skep ignore=RULE,RULE` counts for its own line if something stands before it, else for the next line, or for the
//! whole of the next instruction of a Dockerfile; why may follow after a space. `# hadolint ignore=RULE` counts for the instruction that
//! follows, with nothing between, `# hadolint stage ignore=` for the stage whose `FROM` follows so, and
//! `global ignore=` for the file. What must hold before a deploy is not switched off. Which comments were of use is kept, so
//! that the others can be told.

mod pragma;
mod scope;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Span, suggest};
use crate::lint::buildkit;
use crate::lint::dockerfile::{Dockerfile, checks};
use crate::lint::rule::MAX_FOUND;
use crate::lint::settings::is_foreign;
use crate::lint::{Settings, applied, explain};
use crate::text;

use pragma::{Dialect, Pragma, Reach};
use scope::Scopes;

/// The comments of one file.
#[derive(Debug)]
pub(super) struct Comments(Vec<Comment>);

/// A comment that switches rules off.
#[derive(Debug)]
struct Comment {
    pragma: Pragma,
    /// The bytes that it counts for; none if it counts for nothing.
    scope: Option<Span>,
    /// Whether each of its rules was found there.
    used: Vec<bool>,
}

impl Comments {
    /// Reads those of a Dockerfile.
    pub(super) fn of_dockerfile(text: &[u8], file: &Dockerfile) -> Self {
        Self::of(text, &Scopes::of_dockerfile(text, file))
    }

    /// Reads those of a YAML file.
    pub(super) fn of_yaml(text: &[u8]) -> Self {
        Self::of(text, &Scopes::of_yaml(text)).without_buildkit()
    }

    fn of(text: &[u8], scopes: &Scopes<'_>) -> Self {
        let comment =
            |pragma: Pragma| Comment { scope: scopes.of(&pragma), used: vec![false; pragma.ids.len()], pragma };
        Self(pragma::all(text).into_iter().map(comment).collect())
    }

    /// As [`of`](Self::of) for a file that is no Dockerfile, to which BuildKit's comments mean nothing.
    fn without_buildkit(mut self) -> Self {
        self.0.retain(|comment| comment.pragma.dialect != Dialect::Buildkit);
        self
    }

    /// Takes away the findings that are switched off.
    pub(super) fn sift(&mut self, findings: &mut Vec<Diagnostic>) {
        if self.0.is_empty() {
            return;
        }
        self.mark_used(findings);
        let covered = self.covered();
        findings.retain(|finding| {
            let ranges = covered.get(finding.id()).map_or(&[][..], Vec::as_slice);
            let is_ignored = covers(ranges, finding.place.span.start);
            !is_ignored || explain(finding.id()).is_some_and(super::Rule::must_hold)
        });
    }

    /// Marks the rules that are found where a comment switches them off.
    fn mark_used(&mut self, findings: &[Diagnostic]) {
        let mut places: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for finding in findings {
            places.entry(finding.id()).or_default().insert(finding.place.span.start);
        }
        for Comment { pragma, scope, used } in &mut self.0 {
            let Some(scope) = scope else { continue };
            for (id, used) in pragma.ids.iter().zip(used) {
                let is_found = |rule: &str| places.get(rule).is_some_and(|at| at.range(scope.clone()).next().is_some());
                *used |= rules_of(pragma.dialect, &id.text).into_iter().any(is_found);
            }
        }
    }

    /// Where each rule is switched off: ranges by their start, each with the furthest end up to it.
    fn covered(&self) -> BTreeMap<&str, Vec<Span>> {
        let mut covered: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
        for Comment { pragma, scope, .. } in &self.0 {
            for rule in pragma.ids.iter().flat_map(|id| rules_of(pragma.dialect, &id.text)) {
                covered.entry(rule).or_default().extend(scope.clone());
            }
        }
        for ranges in covered.values_mut() {
            ranges.sort_by_key(|range| range.start);
            ranges.iter_mut().fold(0, |end, range| {
                range.end = range.end.max(end);
                range.end
            });
        }
        covered
    }

    /// The rules that are switched off where they found nothing. `asked` says whether a rule was asked at all.
    pub(super) fn unused(&self, settings: &Settings) -> Vec<Diagnostic<Span>> {
        // What is said to BuildKit may be about what skep does not look at.
        let own = self.0.iter().filter(|comment| comment.pragma.dialect != Dialect::Buildkit);
        let each = own.flat_map(|comment| comment.pragma.ids.iter().zip(&comment.used));
        let idle = each.filter(|(_, used)| !**used).filter(|(id, _)| {
            explain(&id.text).is_some_and(|rule| !rule.must_hold() && settings.severity(rule).is_some())
        });
        let remark = |id: &pragma::Id| Diagnostic::new(id.span.clone(), format!("`{}` finds nothing here", id.text));
        idle.map(|(id, _)| remark(id).help("take it out of the comment")).collect()
    }

    /// The rules that do not exist or are not switched off, and comments that are not understood.
    pub(super) fn doubts(&self) -> Vec<Diagnostic<Span>> {
        self.0.iter().flat_map(|comment| doubts(&comment.pragma)).take(MAX_FOUND).collect()
    }

    /// Where hadolint's comments switch rules off for one instruction.
    pub(super) fn of_hadolint(&self) -> impl Iterator<Item = &Span> {
        let own = self.0.iter().map(|comment| &comment.pragma);
        own.filter(|pragma| {
            pragma.dialect == Dialect::Hadolint && pragma.reach == Reach::Next && !pragma.ids.is_empty()
        })
        .map(|pragma| &pragma.span)
    }
}

/// Whether one of these ranges, as they come from [`Comments::covered`], has a place in it.
fn covers(ranges: &[Span], at: usize) -> bool {
    let behind = ranges.partition_point(|range| range.start <= at);
    behind > 0 && at < ranges[behind - 1].end
}

/// The rules that a name in a comment switches off.
fn rules_of(dialect: Dialect, name: &str) -> Vec<&str> {
    match dialect {
        Dialect::Skep | Dialect::Hadolint => vec![name],
        Dialect::Buildkit => buildkit::rules_of(name).collect(),
    }
}

fn doubts(pragma: &Pragma) -> Vec<Diagnostic<Span>> {
    match pragma.dialect {
        Dialect::Skep | Dialect::Hadolint => pragma.ids.iter().filter_map(doubt).chain(misspelt(pragma)).collect(),
        Dialect::Buildkit => pragma.ids.iter().filter_map(no_check).collect(),
    }
}

/// BuildKit says nothing about a name that it does not know.
fn no_check(id: &pragma::Id) -> Option<Diagnostic<Span>> {
    if id.text == "all" || checks::NAMES.contains(&id.text.as_str()) {
        return None;
    }
    let help = suggest::did_you_mean(&id.text, checks::NAMES)
        .unwrap_or_else(|| "`docker build --check` says the names".to_owned());
    let message = format!("BuildKit has no check `{}`", text::cut(&id.text));
    Some(Diagnostic::new(id.span.clone(), message).help(help))
}

fn doubt(id: &pragma::Id) -> Option<Diagnostic<Span>> {
    let wrong = match explain(&id.text) {
        Some(rule) if rule.must_hold() => applied::must_hold(&id.text).help("take it out of the comment"),
        None if !is_foreign(&id.text) => applied::unknown(&id.text),
        _ => return None,
    };
    Some(wrong.at(id.span.clone()))
}

fn misspelt(pragma: &Pragma) -> Option<Diagnostic<Span>> {
    pragma.ids.is_empty().then(|| {
        Diagnostic::new(pragma.span.clone(), "the comment switches nothing off")
            .help("write `# skep ignore=SK3001`, with `=` and the ids of rules, and why behind a blank")
    })
}

#[cfg(test)]
mod tests;
