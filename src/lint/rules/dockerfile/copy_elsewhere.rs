use crate::lint::dockerfile::Word;
use crate::lint::elsewhere::is_pointer;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::dockerfile::copy_missing::{inside, sources, takes_from_context};
use crate::lint::subject::DockerfileSubject;
use crate::name::RepoPath;
use crate::revision::EntryKind;
use crate::text;

rule! {
    /// A copied file is in Git LFS or in a submodule.
    ///
    /// skep runs no Git filters and fetches no submodules. Of a file in Git LFS the image gets only the pointer, three lines that refer to
    /// the file; a submodule is missing from the build. On your own machine both exist, and the build succeeds.
    ///
    /// ```dockerfile bad with lfs-model.bin
    /// FROM debian:12
    /// COPY model.bin /model.bin
    /// ```
    ///
    /// ```dockerfile good with model.bin
    /// FROM debian:12
    /// COPY model.bin /model.bin
    /// ```
    "SK5022", Warning, Dockerfile(check)
}

/// The most files of a folder that are checked.
const MAX_FILES: usize = 1_000;

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let instructions = subject.file.instructions.iter().filter(|instruction| takes_from_context(instruction));
    instructions.flat_map(sources).filter_map(|source| kept(source, subject)).collect()
}

fn kept(source: &Word, subject: &DockerfileSubject<'_>) -> Option<Found> {
    // The whole context may contain files that the image does not need.
    let path = inside(&source.text).filter(|path| !path.as_str().is_empty())?;
    let mut folders = subject.contexts.all().iter().filter_map(|context| context.join(path.as_str()).ok());
    let (kept, is_submodule) = folders.find_map(|full| first_kept(&full, subject))?;
    let kept = text::cut(kept.as_str()).into_owned();
    Some(if is_submodule {
        Found::new(&source.span, format!("the submodule `{kept}` is missing from the build"))
            .help("commit the files that the image needs to this repository")
    } else {
        Found::new(&source.span, format!("`{kept}` is in Git LFS, so the image gets only its pointer"))
            .help("remove it from Git LFS, or download it in a `RUN`")
    })
}

/// The first submodule or file in Git LFS at a path or below it.
fn first_kept(full: &RepoPath, subject: &DockerfileSubject<'_>) -> Option<(RepoPath, bool)> {
    let elsewhere = subject.elsewhere;
    if let Some(module) = elsewhere.submodule(full).or_else(|| elsewhere.submodule_below(full)) {
        return Some((module.clone(), true));
    }
    let itself = subject.revision.entries.get_key_value(full);
    let files = itself.into_iter().chain(subject.revision.below(full)).take(MAX_FILES);
    for (path, entry) in files {
        if entry.kind == EntryKind::Submodule {
            return Some((path.clone(), true));
        }
        let is_pointer = subject.revision.texts.get(path).is_some_and(|text| is_pointer(text));
        if is_pointer || elsewhere.has_lfs() && elsewhere.is_in_lfs(path) {
            return Some((path.clone(), false));
        }
    }
    None
}
