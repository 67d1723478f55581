use std::collections::BTreeSet;

use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::RepoPath;
use crate::revision::{Revision, Unreadable};
use crate::stack::file::{Reference, ReferenceKind};
use crate::text;

rule! {
    /// A file or folder that the stack file refers to is not in the repository.
    ///
    /// It has to be committed: files that exist only on your own machine, or that Git ignores, cannot be deployed. Paths are
    /// relative to the stack file. If the file is not in the repository on purpose, use `external: true`, or an `env_file` with
    /// `required: false`.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs:
    ///   site: { file: ./nginx.conf }
    /// ```
    ///
    /// ```yaml good with nginx.conf web/Dockerfile
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site], env_file: [{ path: local.env, required: false }] }
    ///   app: { build: ./web }
    /// configs:
    ///   site: { file: ./nginx.conf }
    /// ```
    "SK1007", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let references = subject.file.references();
    let is_context = |reference: &&Reference| reference.what == ReferenceKind::Context;
    let missing = references.iter().filter(|reference| subject.revision.check(reference).is_err());
    let contexts: BTreeSet<&RepoPath> = missing.filter(is_context).map(|reference| &reference.path).collect();
    // A missing context is reported once, without its Dockerfile.
    let is_said =
        |reference: &&Reference| reference.what == ReferenceKind::Dockerfile && is_within(&reference.path, &contexts);
    let others = references.iter().filter(|reference| !is_said(reference));
    others.filter_map(|reference| wrong(reference, subject.revision)).collect()
}

/// The longest path that Linux opens.
const LONGEST: usize = 4096;

/// Whether a path is in one of these folders.
fn is_within(path: &RepoPath, folders: &BTreeSet<&RepoPath>) -> bool {
    let above = std::iter::successors(Some(path.clone()), |path| {
        (!path.as_str().is_empty() && path.as_str().len() <= LONGEST).then(|| path.parent())
    });
    !folders.is_empty() && above.into_iter().any(|folder| folders.contains(&folder))
}

fn wrong(reference: &Reference, revision: &Revision) -> Option<Found> {
    let is_folder = reference.what == ReferenceKind::Context;
    let reason = match revision.readable(&reference.path) {
        Err(Unreadable::Missing) if reference.what == ReferenceKind::OptionalEnvFile => return None,
        Err(Unreadable::Missing) if revision.named.is_some() => "does not exist",
        Err(Unreadable::Missing) => "is not in the repository",
        Err(Unreadable::Folder) if !is_folder => "is a folder, not a file",
        Ok(_) if is_folder => "is a file, not a folder",
        _ => return None,
    };
    let root = if revision.named.is_some() { "/" } else { "" };
    let message = format!("{} `{root}{}` {reason}", described(reference.what), text::cut(reference.path.as_str()));
    let help = if revision.named.is_some() {
        "is the path relative to the stack file?"
    } else {
        "is it committed, and is the path relative to the stack file?"
    };
    Some(Found::new(&reference.span, message).help(help))
}

/// What a reference is, in words.
pub(super) fn described(what: ReferenceKind) -> &'static str {
    match what {
        ReferenceKind::EnvFile | ReferenceKind::OptionalEnvFile => "the env_file",
        ReferenceKind::Config => "the config's file",
        ReferenceKind::Secret => "the secret's file",
        ReferenceKind::Dockerfile => "the Dockerfile",
        ReferenceKind::Context => "the build context",
    }
}
