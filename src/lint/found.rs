//! A finding of a rule before settings decide its severity.

use crate::diagnostic::{Diagnostic, Edit, Fix, Place, Severity, Span};
use crate::name::RepoPath;
use crate::stack::sources::Sources;

/// A finding of a rule before settings decide its severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The file, if it is not the one that the rule checks.
    pub(super) path: Option<RepoPath>,
    /// What it is. Its severity and code are those of the rule.
    pub(super) what: Diagnostic<Span>,
    /// The severity, if it differs from the rule's; settings override both.
    pub(super) severity: Option<Severity>,
}

impl From<Diagnostic<Span>> for Found {
    fn from(what: Diagnostic<Span>) -> Self {
        Self { path: None, what, severity: None }
    }
}

impl From<Diagnostic> for Found {
    fn from(what: Diagnostic) -> Self {
        let Place { path, span } = what.place.clone();
        Self { path: Some(path), what: what.at(span), severity: None }
    }
}

impl Found {
    /// A finding at this place.
    pub(super) fn new(span: &Span, message: impl Into<String>) -> Self {
        Diagnostic::new(span.clone(), message).into()
    }

    /// The same finding, in another file.
    pub(super) fn in_file(self, path: RepoPath) -> Self {
        Self { path: Some(path), ..self }
    }

    /// In the file where it was written, of those that a stack is made from.
    pub(super) fn placed(self, sources: &Sources) -> Self {
        if self.path.is_some() {
            return self;
        }
        let Self { mut what, severity, .. } = self;
        what.fix = what.fix.and_then(|fix| placed_fix(*fix, &what.place, sources)).map(Box::new);
        Self { severity, ..sources.placed(what).into() }
    }

    /// The same finding, with this help.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { what: self.what.help(help), ..self }
    }

    /// The same finding, with this severity instead of the rule's.
    pub(super) fn severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    /// With a change of the file that takes it away. The rule must be marked with [`Mark::Fixes`](crate::lint::rule::Mark::Fixes).
    pub(super) fn fix(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.what.fix = fix.into().map(Box::new);
        self
    }
}

/// A fix in the file where it was written; none if a template made what it changes, or if it is in several files.
fn placed_fix(fix: Fix, found: &Span, sources: &Sources) -> Option<Fix> {
    let (path, _) = sources.as_written(found)?;
    let place = |edit: Edit| match sources.as_written(&edit.span)? {
        (other, span) if other == path => Some(Edit { span, ..edit }),
        _ => None,
    };
    let edits = fix.edits.into_iter().map(place).collect::<Option<Vec<Edit>>>()?;
    Some(Fix { edits, ..fix })
}
