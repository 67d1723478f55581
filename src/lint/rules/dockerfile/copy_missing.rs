use std::collections::BTreeSet;

use crate::diagnostic::Severity;
use crate::lint::dockerfile::{Instruction, Keyword, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::{Contexts, DockerfileSubject};
use crate::name::RepoPath;
use crate::revision::{Revision, Unreadable};
use crate::text;

rule! {
    /// A copied file is not in the build context.
    ///
    /// The context is the folder that `build:` names, as committed: it does not contain files that Git ignores, that a build on
    /// your own machine left there, or that are outside of the folder. Patterns, variables and
    /// addresses are not checked.
    ///
    /// ```dockerfile bad with package.json
    /// FROM node:22
    /// COPY package.json package-lock.json ./
    /// ```
    ///
    /// ```dockerfile good with package.json src/main.js
    /// FROM node:22
    /// COPY package.json pnpm-lock.yam[l] ./
    /// COPY src ./src
    /// ADD https://example.com/data.tar.gz /data/
    /// ```
    "SK5002", Error, Dockerfile(check)
}

/// Its id.
pub(in crate::lint) const ID: &str = RULE.id;
/// The longest path of a system, in bytes (`PATH_MAX`).
const LONGEST: usize = 4096;

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    copied(subject).filter_map(|source| missing(source, subject)).collect()
}

/// Findings for sources that name deleted files or their folders.
pub(in crate::lint) fn copies_of(gone: &BTreeSet<&RepoPath>, subject: &DockerfileSubject<'_>) -> Vec<usize> {
    let was = |source: &Word, context: &RepoPath| {
        in_context(&source.text, context).is_some_and(|path| gone.iter().any(|gone| path.holds(gone)))
    };
    let contexts = subject.contexts.all();
    let copied = copied(subject).filter(|source| contexts.iter().any(|context| was(source, context)));
    copied.map(|source| source.span.start).collect()
}

/// The sources that are copied from the context by their paths.
fn copied<'a>(subject: &DockerfileSubject<'a>) -> impl Iterator<Item = &'a Word> {
    let instructions = subject.file.instructions.iter().filter(|instruction| takes_from_context(instruction));
    instructions.flat_map(sources)
}

pub(super) fn takes_from_context(instruction: &Instruction) -> bool {
    matches!(instruction.keyword, Keyword::Copy | Keyword::Add)
        && !instruction.on_build
        && instruction.flag("from").is_none()
}

/// The sources that are plain paths.
pub(super) fn sources(instruction: &Instruction) -> impl Iterator<Item = &Word> {
    let sources = instruction.words().split_last().map_or(&[][..], |(_, sources)| sources);
    sources
        .iter()
        .filter(|source| is_plain(&source.text) && !(instruction.keyword == Keyword::Add && is_address(&source.text)))
}

/// Whether a word is a literal path: without pattern, variable or quotes, and not a here-document.
fn is_plain(word: &str) -> bool {
    !word.starts_with("<<") && !word.contains(['$', '*', '?', '[', '\\', '"', '\''])
}

fn is_address(text: &str) -> bool {
    text.contains("://") || text.starts_with("git@")
}

fn missing(source: &Word, subject: &DockerfileSubject<'_>) -> Option<Found> {
    let context = subject.contexts.lacking(|context| is_there(&source.text, context, subject.revision))?;
    let message = format!("`{}` is not in the build context", text::cut(&source.text));
    let is_of_machine = subject.revision.named.as_ref().is_some_and(|named| !named.files.is_empty());
    let found = Found::new(&source.span, message).help(help(&source.text, context, is_of_machine));
    Some(if_built(found, subject.contexts))
}

/// Lowers the finding to a warning unless a stack file builds the Dockerfile, which determines its context.
pub(super) fn if_built(found: Found, contexts: &Contexts) -> Found {
    match contexts {
        Contexts::Known(_) => found,
        Contexts::Likely(_) => found.severity(Severity::Warning),
    }
}

/// Whether a path may exist. Paths through symbolic links or submodules cannot be checked and count as existing.
fn is_there(source: &str, context: &RepoPath, revision: &Revision) -> bool {
    in_context(source, context).is_some_and(|path| !is_missing(&path, revision))
}

fn in_context(source: &str, context: &RepoPath) -> Option<RepoPath> {
    context.join(inside(source)?.as_str()).ok()
}

/// The path of a source below the context. As in BuildKit, which cleans `/` and the path, leading `..` is dropped, so
/// that nothing leads out of the context.
pub(super) fn inside(source: &str) -> Option<RepoPath> {
    let inside = RepoPath::root().join(source.trim_start_matches('/'));
    inside.or_else(|_| RepoPath::root().join(source.trim_start_matches(['.', '/']))).ok()
}

fn is_missing(path: &RepoPath, revision: &Revision) -> bool {
    path.as_str().len() > LONGEST || revision.readable(path) == Err(Unreadable::Missing) && !path.as_str().is_empty()
}

fn help(source: &str, context: &RepoPath, is_of_machine: bool) -> String {
    if source.starts_with("..") {
        "files outside of the context cannot be copied: move the file, or use a higher folder as the context".into()
    } else if is_of_machine {
        format!("the context is the folder `/{context}`: does the file exist there?")
    } else if context.as_str().is_empty() {
        "the context is the top of the repository: was the file committed there?".into()
    } else {
        format!("the context is the folder `{context}`: was the file committed there?")
    }
}
