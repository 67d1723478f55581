//! Diagnostics: a problem with its place and help, in one type for every reader, rule and check.
//!
//! The type of the place is a parameter of [`Diagnostic`]: a range of bytes ([`Span`]) for a parser, which need not
//! know the file; a file and a range ([`Place`]) for the linter; a [`Line`] where nothing more is needed; the keys of a
//! stack file ([`KeyPath`]) for obstacles of a stack; nothing (`()`) where only the caller knows the place.
//!
//! It becomes text at the surface only, in [`render`], and in one line where it is part of a longer text: a log line, a cause.

mod fix;
pub mod render;
mod sentence;
mod severity;
pub mod suggest;

use std::ops::Range;

use serde::Serialize;

use crate::name::RepoPath;

pub use fix::{Edit, Fix, apply};
pub use sentence::{Line, Spot, Where, line_column};
pub use severity::Severity;

/// A range of bytes in a text, or in all the texts that a stack is made from ([`crate::stack::sources`]). Line and column
/// are computed from the text when they are shown.
pub type Span = Range<usize>;

/// A problem or a remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic<P = Place> {
    /// The id of the rule, such as `SK1003`, whose page `skep explain` shows; `None` before a rule reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The severity.
    pub severity: Severity,
    /// The place.
    pub place: P,
    /// The problem in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// A change of the file that resolves it.
    #[serde(skip)]
    pub fix: Option<Box<Fix>>,
}

/// A place in a file of a repository, or in a file that a person named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// The bytes from and to; empty at 0 for the file as a whole.
    pub span: Span,
}

/// The keys that lead to a place in a stack file, such as `services`, `web`, `ports`; empty for the whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct KeyPath(pub Vec<String>);

impl<P> Diagnostic<P> {
    /// An error at a place.
    pub fn new(place: P, message: impl Into<String>) -> Self {
        Self { code: None, severity: Severity::Error, place, message: message.into(), help: None, fix: None }
    }

    /// The same, with this help.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same, as a finding of this rule.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same, with this severity.
    #[must_use]
    pub fn rated(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same, at another place.
    #[must_use]
    pub fn at<Q>(self, place: Q) -> Diagnostic<Q> {
        let Self { code, severity, message, help, fix, .. } = self;
        Diagnostic { code, severity, place, message, help, fix }
    }

    /// The id of the rule; empty before a rule reports it.
    pub fn id(&self) -> &'static str {
        self.code.unwrap_or_default()
    }
}

impl Diagnostic<Span> {
    /// The same, in the file whose text was read.
    #[must_use]
    pub fn in_file(mut self, path: RepoPath) -> Diagnostic {
        let span = std::mem::take(&mut self.place);
        self.at(Place { path, span })
    }
}

impl KeyPath {
    /// The path of these keys.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(str::to_owned).collect())
    }
}
