//! The files of a stack, laid out in a common range of offsets.
//!
//! Each file has its own range of offsets, so a value keeps its place when it is merged, and
//! its place determines the context for resolving it: [`Sources::folder`], [`Sources::variables`]. For a
//! alone is where it always was: its places are its own. [`Sources::place`] leads from a place to the file.

use super::template::Written;
use super::variables::Variables;
use crate::diagnostic::{Diagnostic, Place, Span};
use crate::name::RepoPath;

/// The files of a stack, in the order in which they were read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sources(Vec<Source>);

/// One of the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its start in the common range.
    start: usize,
    /// The file itself.
    pub written: Written,
    /// The folder that its paths are relative to.
    pub folder: RepoPath,
    /// The variables for it.
    pub variables: Variables,
}

impl Sources {
    /// Appends a file. Returns the offset to add to its places.
    pub(super) fn add(&mut self, written: Written, folder: RepoPath, variables: Variables) -> usize {
        // One byte separates two files, so that the end of one is not the beginning of the next.
        let start = self.0.last().map_or(0, |last| last.start + last.written.text().len() + 1);
        self.0.push(Source { start, written, folder, variables });
        start
    }

    /// The file that is named first.
    pub fn first(&self) -> Option<&Source> {
        self.0.first()
    }

    /// The file that a place is in.
    pub fn at(&self, span: &Span) -> Option<&Source> {
        let behind = self.0.partition_point(|source| source.start <= span.start);
        self.0.get(behind.checked_sub(1)?)
    }

    /// The place of the last key of this path, in the file that has the longest part of it.
    pub fn span_of(&self, keys: &[String]) -> Span {
        let followed = self.0.iter().map(|source| (source, source.written.follow(keys)));
        let Some((source, (_, span))) = followed.max_by_key(|(_, (depth, _))| *depth) else { return 0..0 };
        span.start + source.start..span.end + source.start
    }

    /// The text at a place.
    pub fn text(&self, span: &Span) -> &[u8] {
        self.at(span).and_then(|source| source.written.text().get(source.within(span))).unwrap_or_default()
    }

    /// The folder that a path at this place is relative to.
    pub fn folder(&self, span: &Span) -> RepoPath {
        self.at(span).map_or_else(RepoPath::root, |source| source.folder.clone())
    }

    /// The variables of the file that a place is in.
    pub fn variables(&self, span: &Span) -> Variables {
        self.at(span).map(|source| source.variables.clone()).unwrap_or_default()
    }

    /// The file of a place and the place in it, unless the file is made from a template.
    pub fn as_written(&self, span: &Span) -> Option<(&RepoPath, Span)> {
        let source = self.at(span)?;
        let Written::Out(path, _) = &source.written else { return None };
        Some((path, span.start - source.start..span.end.checked_sub(source.start)?))
    }

    /// The files, by their paths.
    pub fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        self.0.iter().map(|source| source.written.path())
    }

    /// The file that a place is in, and where it was written there.
    pub fn place(&self, span: &Span) -> Place {
        match self.at(span) {
            Some(source) => source.written.place(&source.within(span)),
            None => Place { path: RepoPath::root(), span: span.clone() },
        }
    }

    /// What is wrong, in the file where it was written.
    pub fn placed(&self, problem: Diagnostic<Span>) -> Diagnostic {
        let Some(source) = self.at(&problem.place) else { return problem.in_file(RepoPath::root()) };
        let within = source.within(&problem.place);
        source.written.placed(problem.at(within))
    }
}

impl Source {
    /// The place in the file itself.
    fn within(&self, span: &Span) -> Span {
        span.start - self.start..span.end.saturating_sub(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let mut sources = Sources::default();
        for (path, text) in [("a.yml", "a: 1\n"), ("b/b.yml", "b: 2\n")] {
            let path: RepoPath = path.parse().unwrap();
            let folder = path.parent();
            sources.add(Written::Out(path, text.as_bytes().into()), folder, Variables::default());
        }
        sources
    }

    #[test]
    fn a_place_leads_to_its_file() {
        let sources = sources();
        let at = |span: Span| {
            let Place { path, span } = sources.place(&span);
            format!("{path} {span:?}")
        };
        assert_eq!(at(0..0), "a.yml 0..0");
        assert_eq!(at(3..4), "a.yml 3..4");
        assert_eq!(at(5..5), "a.yml 5..5");
        assert_eq!(at(6..6), "b/b.yml 0..0");
        assert_eq!(at(9..10), "b/b.yml 3..4");
        assert_eq!(sources.text(&(9..10)), b"2");
        assert_eq!(sources.folder(&(9..10)).as_str(), "b");
        assert_eq!(sources.paths().map(RepoPath::as_str).collect::<Vec<_>>(), ["a.yml", "b/b.yml"]);
    }
}
