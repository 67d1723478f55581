use std::collections::BTreeMap;

use crate::lint::dockerfile::Word;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::dockerfile::copy_missing::{if_built, inside, sources, takes_from_context};
use crate::lint::subject::{Contexts, DockerfileSubject};
use crate::name::RepoPath;
use crate::revision::{Entry, EntryKind};
use crate::stack::ignore::{Filter, Ignore};
use crate::stack::recipe::ignore_files;
use crate::text;

rule! {
    /// A copied file is excluded from the build context by `.dockerignore`.
    ///
    /// The builder does not get it, and the build fails as if the file did not exist. Of a folder, at least one file must remain.
    /// Patterns, variables and addresses are not checked. BuildKit: `CopyIgnoredFile`.
    ///
    /// ```dockerfile bad with ignored-dist dist/app.js
    /// FROM node:22
    /// COPY dist/app.js /app/
    /// ```
    ///
    /// ```dockerfile bad with ignored-dist dist/app.js
    /// FROM node:22
    /// COPY dist /app/
    /// ```
    ///
    /// ```dockerfile good with ignored-dist/app.js.map dist/app.js dist/app.js.map
    /// FROM node:22
    /// COPY dist /app/
    /// ```
    "SK5003", Error, Dockerfile(check)
}

/// The most files of a folder that are checked: if so many are excluded, that is intended.
const MAX_FILES: usize = 1_000;
/// The most steps for comparing the patterns of one context; beyond them nothing is reported.
const MAX_STEPS: u64 = 2_000_000;

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let files: Vec<IgnoreFile<'_>> =
        subject.contexts.all().iter().filter_map(|folder| IgnoreFile::of(folder, subject)).collect();
    let mut contexts: Vec<Context<'_>> = files.iter().map(Context::of).collect();
    let instructions = subject.file.instructions.iter().filter(|instruction| takes_from_context(instruction));
    let sources = instructions.flat_map(sources);
    sources.filter_map(|source| ignored(source, &mut contexts, subject)).collect()
}

/// The exclusions of a possible build context.
struct IgnoreFile<'a> {
    folder: &'a RepoPath,
    /// The ignore file.
    path: RepoPath,
    ignore: Ignore,
}

impl<'a> IgnoreFile<'a> {
    fn of(folder: &'a RepoPath, subject: &DockerfileSubject<'_>) -> Option<Self> {
        let files = ignore_files(subject.path, folder);
        let path = files.into_iter().find(|path| subject.revision.entries.contains_key(path))?;
        let text = subject.revision.texts.get(&path)?;
        let ignore = Ignore::read(std::str::from_utf8(text).ok()?).ok()?;
        Some(Self { folder, path, ignore })
    }
}

/// A context with cached results for its paths.
struct Context<'a> {
    file: &'a IgnoreFile<'a>,
    filter: Filter<'a>,
    known: BTreeMap<RepoPath, bool>,
}

fn ignored(source: &Word, contexts: &mut [Context<'_>], subject: &DockerfileSubject<'_>) -> Option<Found> {
    let path = inside(&source.text).filter(|path| !path.as_str().is_empty())?;
    let mut out = contexts.iter_mut().filter_map(|context| context.keeps_out(&path, subject));
    let file = out.next()?;
    let is_sure = match subject.contexts {
        Contexts::Known(_) => true,
        Contexts::Likely(folders) => {
            folders.iter().filter(|folder| is_in(folder, &path, subject)).count() == 1 + out.count()
        }
    };
    let message = format!("`{}` is excluded from the build context", text::cut(&source.text));
    is_sure.then(|| {
        let found = Found::new(&source.span, message).help(format!("`{file}` excludes it"));
        if_built(found, subject.contexts)
    })
}

fn is_in(folder: &RepoPath, path: &RepoPath, subject: &DockerfileSubject<'_>) -> bool {
    let is_there = |full: RepoPath| subject.revision.entries.contains_key(&full) || subject.revision.is_folder(&full);
    folder.join(path.as_str()).is_ok_and(is_there)
}

impl<'a> Context<'a> {
    fn of(file: &'a IgnoreFile<'a>) -> Self {
        Self { file, filter: file.ignore.filter(MAX_STEPS), known: BTreeMap::new() }
    }

    /// The ignore file that excludes everything at a path; `None` if something remains, or nothing exists there.
    fn keeps_out(&mut self, path: &RepoPath, subject: &DockerfileSubject<'_>) -> Option<&'a RepoPath> {
        let full = self.file.folder.join(path.as_str()).ok()?;
        let known = self.known.get(&full).copied();
        let is_out = known.unwrap_or_else(|| self.is_out(&full, subject));
        self.known.insert(full, is_out);
        is_out.then_some(&self.file.path)
    }

    fn is_out(&mut self, full: &RepoPath, subject: &DockerfileSubject<'_>) -> bool {
        let itself = subject.revision.entries.get_key_value(full);
        let mut files = itself.into_iter().chain(subject.revision.below(full)).take(MAX_FILES).peekable();
        files.peek().is_some() && files.all(|(file, entry)| self.stays_out(file, entry))
    }

    fn stays_out(&mut self, file: &RepoPath, entry: &Entry) -> bool {
        let is_known = !matches!(entry.kind, EntryKind::Symlink | EntryKind::Submodule);
        is_known && file.below(self.file.folder).is_some_and(|inside| self.filter.ignores(inside).unwrap_or(false))
    }
}
