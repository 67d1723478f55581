//! What is wrong, where, and what to do about it: one type from every reader, rule and check.
//!
//! A [`Diagnostic`] says its place in the terms of whoever found it, and so has the place as a parameter: the bytes of a
//! text ([`Span`]) for a reader, which need not know what file it reads; a file and bytes of it ([`Place`]) for the linter;
//! the keys of a stack file ([`KeyPath`]) for what stands in the way of a stack; nothing (`()`) where only the caller knows.
//! On its way up the place is exchanged for the next one ([`Diagnostic::at`]), the rest stays as it is.
//!
//! It becomes text at the surface only.

mod fix;
mod sentence;
mod severity;
pub mod suggest;

use std::ops::Range;

use serde::Serialize;

use crate::name::RepoPath;

pub use fix::{Edit, Fix, apply};
pub use sentence::{Spot, Where, line_column};
pub use severity::Severity;

/// Bytes from and to of a text, or of all the texts that a stack is made from ([`crate::stack::sources`]). Line and
/// column are worked out from the text when they are shown.
pub type Span = Range<usize>;

/// One thing that is wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic<P = Place> {
    /// The id of a rule, such as `SK1003`, about which `skep explain` tells more; none as long as no rule took it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: P,
    /// The problem in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// A change of the file that resolves it.
    #[serde(skip)]
    pub fix: Option<Box<Fix>>,
}

/// A place in a file of a repository, or in one that somebody named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: RepoPath,
    /// The bytes from and to; empty at 0 for the file as a whole.
    pub span: Span,
}

/// The keys that lead to a place in a stack file, such as `services`, `web`, `ports`; none for the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct KeyPath(pub Vec<String>);

impl<P> Diagnostic<P> {
    /// An error at a place.
    pub fn new(place: P, message: impl Into<String>) -> Self {
        Self { code: None, severity: Severity::Error, place, message: message.into(), help: None, fix: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// As what this rule is about.
    #[must_use]
    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// As bad as this.
    #[must_use]
    pub fn rated(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same at another place, where what was found is found as well.
    #[must_use]
    pub fn at<Q>(self, place: Q) -> Diagnostic<Q> {
        let Self { code, severity, message, help, fix, .. } = self;
        Diagnostic { code, severity, place, message, help, fix }
    }

    /// The id of the rule; empty as long as no rule took it up.
    pub fn id(&self) -> &'static str {
        self.code.unwrap_or_default()
    }
}

impl Diagnostic<Span> {
    /// In the file whose text was read.
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
