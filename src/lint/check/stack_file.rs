//! A stack file, parsed as far as it is valid.

use crate::diagnostic::{Diagnostic, Place, Span};
use crate::lint::check::CheckedStack;
use crate::lint::rule::{Found, Mark, Rule};
use crate::name::RepoPath;
use crate::revision::{MAX_VALUES, Revision, StackSource, variant_of};
use crate::stack::file::{File, ReferenceKind};
use crate::stack::gather::Gathered;
use crate::stack::spans::Spans;
use crate::stack::variables::Variables;
use crate::stack::yaml::{Node, Value};

/// A stack file and the result of parsing it.
pub(super) struct StackFile {
    pub(super) source: StackSource,
    /// Whether it is a stack file of the repository, and not another Compose file.
    pub(super) is_deployed: bool,
    pub(super) read: Result<Understood, Unread>,
}

/// The valid parts of a stack file.
pub(super) struct Understood {
    pub(super) file: File,
    /// What is not.
    pub(super) misfits: Vec<Diagnostic>,
    gaps: Gaps,
}

/// Why no part of a stack file is valid.
pub(super) enum Unread {
    /// Its bytes were not read.
    TooLarge,
    /// The stack files before it say too much.
    TooMany,
    /// Nothing came out of its template.
    Template(Vec<Diagnostic>),
    /// It is not YAML, or a file that it is made from does not exist.
    Problems(Vec<Diagnostic>),
}

/// The parts of a file with unknown values.
#[derive(Default)]
struct Gaps {
    /// Values that are not valid, or contain a variable that is not set.
    values: Spans,
    /// Services, networks and so on in which an invalid entry is left out.
    entries: Spans,
    /// Whether anything is left out.
    lacks: bool,
    /// Whether a name, or a section, is left out.
    is_loose: bool,
    /// Whether an entry that services refer to is left out.
    lacks_names: bool,
}

impl StackFile {
    /// Parses it, unless the limit was reached before; `values` counts.
    pub(super) fn of(revision: &Revision, source: StackSource, variables: &Variables, values: &mut usize) -> Self {
        if *values > MAX_VALUES {
            return Self { source, is_deployed: true, read: Err(Unread::TooMany) };
        }
        let gathered = revision.gathered(&source, variables);
        *values += gathered.as_ref().map_or(0, Gathered::size);
        let read = match gathered {
            None => Err(Unread::TooLarge),
            Some(_) if *values > MAX_VALUES => Err(Unread::TooMany),
            Some(gathered) => Understood::of(gathered),
        };
        let read = read.and_then(|understood| {
            *values += named_bytes(revision, &understood.file) / NAMED_BYTES_OF_A_VALUE;
            if *values > MAX_VALUES { Err(Unread::TooMany) } else { Ok(understood) }
        });
        Self { source, is_deployed: true, read }
    }

    /// The same, as one that is only there.
    pub(super) fn not_deployed(self) -> Self {
        Self { is_deployed: false, ..self }
    }

    /// Whether it is one of several files that make a stack together, of which the others are not known.
    pub(super) fn is_part(&self) -> bool {
        !self.is_deployed && self.source.under.is_empty() && variant_of(&self.source.path).is_some()
    }

    /// The other files that it is made from.
    pub(super) fn parts(&self) -> impl Iterator<Item = &RepoPath> {
        let under: &[RepoPath] = if self.is_deployed { &[] } else { &self.source.under };
        let parts = self.file().into_iter().flat_map(|file| file.sources.paths());
        parts.filter(move |path| **path != self.source.path && !under.contains(path))
    }

    /// What is understood of it.
    pub(super) fn file(&self) -> Option<&File> {
        self.read.as_ref().ok().map(|understood| &understood.file)
    }

    /// Whether all of it is valid, so that a rule without findings has checked all of it.
    pub(super) fn is_clear(&self) -> bool {
        self.read.as_ref().is_ok_and(|understood| understood.misfits.is_empty())
    }

    pub(super) fn checked(self) -> Option<CheckedStack> {
        let understood = self.read.ok().filter(|understood| understood.misfits.is_empty())?;
        Some(CheckedStack { source: self.source, file: understood.file })
    }
}

/// How many bytes of referenced files count as one value of the stack file.
const NAMED_BYTES_OF_A_VALUE: usize = 1 << 10;

/// The bytes of the files of configs, secrets and variables, counted as often as they are used and read.
fn named_bytes(revision: &Revision, file: &File) -> usize {
    use ReferenceKind::{Config, EnvFile, OptionalEnvFile, Secret};
    let references = file.references().into_iter();
    let read = references.filter(|one| matches!(one.what, Config | EnvFile | OptionalEnvFile | Secret));
    read.filter_map(|one| revision.texts.get(&one.path)).map(|text| text.len()).sum()
}

impl Understood {
    fn of(gathered: Gathered) -> Result<Self, Unread> {
        if !gathered.misfits.is_empty() {
            return Err(Unread::Template(gathered.misfits));
        }
        let is_whole = gathered.is_whole;
        let (file, problems) = File::of(gathered);
        let gaps = Gaps::of(&file, &problems);
        let misfits = problems.into_iter().map(|problem| file.sources.placed(problem)).collect();
        if is_whole { Ok(Self { file, misfits, gaps }) } else { Err(Unread::Problems(misfits)) }
    }

    /// The places of unknown values, by file.
    pub(super) fn doubts(&self) -> impl Iterator<Item = (RepoPath, Span)> {
        let unknown = unknown(&self.file).map(|span| self.file.sources.place(&span));
        unknown.chain(self.misfits.iter().map(|misfit| misfit.place.clone())).map(|Place { path, span }| (path, span))
    }

    /// Whether a finding may be caused by an invalid part.
    pub(super) fn is_doubtful(&self, rule: &Rule, found: &Found) -> bool {
        found.path.is_none() && self.gaps.explain(rule, &found.what.place)
    }
}

impl Gaps {
    fn of(file: &File, problems: &[Diagnostic<Span>]) -> Self {
        let lost: Vec<Span> = problems.iter().map(|problem| &problem.place).chain(&file.lost).cloned().collect();
        let entries =
            file.tree.entries().iter().flat_map(|(section, all)| all.entries().iter().map(move |one| (section, one)));
        let hulls: Vec<(usize, Span)> =
            entries.clone().map(|(_, (key, value))| (key.span.start, hull(value))).collect();
        let mut referred_to =
            entries.filter(|(section, _)| section.raw() != "services").map(|(_, (_, value))| hull(value));
        let left_out: Spans = lost.iter().cloned().collect();
        let within: Spans = hulls.iter().map(|(_, hull)| hull.clone()).collect();
        // A finding about a whole entry is at its key.
        let with_key = |(key, hull): (usize, Span)| hull.start.min(key)..hull.end;
        Self {
            values: unknown(file).chain(lost.iter().cloned()).collect(),
            entries: hulls.into_iter().filter(|(_, hull)| left_out.touch(hull)).map(with_key).collect(),
            lacks: !lost.is_empty(),
            is_loose: lost.iter().any(|span| !within.touch(span)),
            lacks_names: referred_to.any(|hull| left_out.touch(&hull)),
        }
    }

    fn explain(&self, rule: &Rule, span: &Span) -> bool {
        // A finding about the whole file is at its beginning, where a value may be.
        let is_whole_file = *span == (0..0);
        let is_near = self.is_loose || is_whole_file || self.entries.touch(span);
        let lacks_names = rule.is(Mark::Names) && (self.is_loose || self.lacks_names);
        let concludes = rule.is(Mark::Whole) && is_near || lacks_names || rule.is(Mark::Uses);
        self.lacks && concludes || !is_whole_file && self.values.touch(span)
    }
}

/// The values that contain a variable that is not set.
pub(super) fn unknown(file: &File) -> impl Iterator<Item = Span> {
    file.unset.iter().filter(|_| !file.read_mode.as_written).map(|unset| unset.span.clone())
}

/// The range of a value's contents.
fn hull(node: &Node) -> Span {
    let both = |one: Span, two: Span| one.start.min(two.start)..one.end.max(two.end);
    match &node.value {
        Value::Scalar { .. } => node.span.clone(),
        Value::Sequence(items) => items.iter().map(hull).fold(node.span.clone(), both),
        Value::Mapping(entries) => {
            entries.iter().map(|(key, value)| both(key.span.clone(), hull(value))).fold(node.span.clone(), both)
        }
    }
}
