//! A finding of a rule before settings decide its severity.

use crate::lint::{Edit, Fix, Severity};
use crate::name::RepoPath;
use crate::stack::Problem;
use crate::stack::sources::Sources;
use crate::stack::template::Misfit;
use crate::stack::yaml::Span;

/// A finding of a rule before settings decide its severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The file, if it is not the one that the rule checks.
    pub(super) path: Option<RepoPath>,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) fix: Option<Fix>,
    /// The severity, if it differs from the rule's; settings override both.
    pub(super) severity: Option<Severity>,
}

impl Found {
    /// A finding at this place.
    pub(super) fn new(span: &Span, message: impl Into<String>) -> Self {
        Self { path: None, span: span.clone(), message: message.into(), help: None, fix: None, severity: None }
    }

    /// The same finding, in another file.
    pub(super) fn in_file(self, path: RepoPath) -> Self {
        Self { path: Some(path), ..self }
    }

    /// A finding for a problem of reading a file.
    pub(super) fn misfit(Misfit { path, problem }: Misfit) -> Self {
        Self {
            path: Some(path),
            span: problem.span,
            message: problem.message,
            help: problem.help,
            fix: None,
            severity: None,
        }
    }

    /// In the file where it was written, of those that a stack is made from.
    pub(super) fn placed(self, sources: &Sources) -> Self {
        if self.path.is_some() {
            return self;
        }
        let Self { span, message, help, fix, severity, .. } = self;
        let fix = fix.and_then(|fix| placed_fix(fix, &span, sources));
        Self { fix, severity, ..Self::misfit(sources.misfit(Problem { span, message, help })) }
    }

    /// The same finding, with this help.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same finding, with this severity instead of the rule's.
    pub(super) fn severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    /// With a change of the file that takes it away. The rule must be marked with
    /// [`Mark::Fixes`](crate::lint::rule::Mark::Fixes).
    pub(super) fn fix(self, fix: impl Into<Option<Fix>>) -> Self {
        Self { fix: fix.into(), ..self }
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
