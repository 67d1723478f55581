//! Comments that switch rules off: `# skep ignore=SK3001`, and those of hadolint.
//!
//! `# skep ignore=RULE,RULE` counts for its own line if something stands before it, else for the next line, or for the
//! whole of the next instruction of a Dockerfile; why may follow behind a blank. `# hadolint ignore=RULE` counts for the instruction that
//! follows, with nothing between, `# hadolint stage ignore=` for the stage whose `FROM` follows so, and
//! `global ignore=` for the file. What must hold before a deploy is not switched off. Which comments were of use is kept, so
//! that the others can be told.

mod pragma;
mod scope;

use crate::lint::dockerfile::Dockerfile;
use crate::lint::settings::is_foreign;
use crate::lint::{Finding, Settings, explain, settings};
use crate::stack::yaml::Span;

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

/// Something to say about a comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Comments {
    /// Reads those of a Dockerfile.
    pub(super) fn of_dockerfile(text: &[u8], file: &Dockerfile) -> Self {
        Self::of(text, &Scopes::of_dockerfile(text, file))
    }

    /// Reads those of a YAML file.
    pub(super) fn of_yaml(text: &[u8]) -> Self {
        Self::of(text, &Scopes::of_yaml(text))
    }

    fn of(text: &[u8], scopes: &Scopes<'_>) -> Self {
        let comment =
            |pragma: Pragma| Comment { scope: scopes.of(&pragma), used: vec![false; pragma.ids.len()], pragma };
        Self(pragma::all(text).into_iter().map(comment).collect())
    }

    /// Takes away the findings that are switched off.
    pub(super) fn sift(&mut self, findings: &mut Vec<Finding>) {
        if !self.0.is_empty() {
            findings.retain(|finding| !self.ignores(finding));
        }
    }

    fn ignores(&mut self, finding: &Finding) -> bool {
        let at = finding.place.span.start;
        let mut ignored = false;
        for comment in
            self.0.iter_mut().filter(|comment| comment.scope.as_ref().is_some_and(|scope| scope.contains(&at)))
        {
            for (id, used) in comment.pragma.ids.iter().zip(&mut comment.used) {
                if id.text == finding.rule {
                    *used = true;
                    ignored = true;
                }
            }
        }
        ignored && !explain(finding.rule).is_some_and(super::Rule::must_hold)
    }

    /// The rules that are switched off where they found nothing. `asked` says whether a rule was asked at all.
    pub(super) fn unused(&self, settings: &Settings) -> Vec<Remark> {
        let each = self.0.iter().flat_map(|comment| comment.pragma.ids.iter().zip(&comment.used));
        let idle = each.filter(|(_, used)| !**used).filter(|(id, _)| {
            explain(&id.text).is_some_and(|rule| !rule.must_hold() && settings.severity(rule).is_some())
        });
        idle.map(|(id, _)| Remark {
            span: id.span.clone(),
            message: format!("`{}` finds nothing here", id.text),
            help: Some("take it out of the comment".to_owned()),
        })
        .collect()
    }

    /// The rules that do not exist or are not switched off, and comments that are not understood.
    pub(super) fn doubts(&self) -> Vec<Remark> {
        self.0
            .iter()
            .flat_map(|comment| comment.pragma.ids.iter().filter_map(doubt).chain(misspelt(&comment.pragma)))
            .collect()
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

fn doubt(id: &pragma::Id) -> Option<Remark> {
    let (message, help) = match explain(&id.text) {
        Some(rule) if rule.must_hold() => (
            format!("`{}` is not switched off: nothing can be deployed where it finds something", id.text),
            "take it out of the comment".to_owned(),
        ),
        None if !is_foreign(&id.text) => settings::unknown(&id.text),
        _ => return None,
    };
    Some(Remark { span: id.span.clone(), message, help: Some(help) })
}

fn misspelt(pragma: &Pragma) -> Option<Remark> {
    pragma.ids.is_empty().then(|| Remark {
        span: pragma.span.clone(),
        message: "the comment switches nothing off".to_owned(),
        help: Some("write `# skep ignore=SK3001`, with `=` and the ids of rules, and why behind a blank".to_owned()),
    })
}

#[cfg(test)]
mod tests;
