//! The files of a revision that must be read before it is checked.

use std::collections::BTreeMap;

use crate::lint::settings::Written;
use crate::lint::{elsewhere, traefik};
use crate::name::RepoPath;
use crate::revision::Revision;
use crate::stack::file::File;
use crate::stack::variables::Variables;

/// The files that must still be read into [`Revision::texts`] in addition to [`Revision::wanted_with`]: Dockerfiles by
/// name that no stack file uses, their ignore files, the lists of files that are kept elsewhere, Compose files that are
/// not deployed, and mounted settings of Traefik. Ten thousand of each at most; ignored files are not read.
pub fn wanted(revision: &Revision, variables: &BTreeMap<String, String>) -> Vec<RepoPath> {
    wanted_among(revision, variables, &|_| true)
}

/// The same, but of the Compose files that are not deployed only the requested ones.
pub fn wanted_among(
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    is_asked_about: &dyn Fn(&RepoPath) -> bool,
) -> Vec<RepoPath> {
    let settings = Written::of(revision).settings;
    let is_one =
        |path: &RepoPath| is_dockerfile(path) || path.as_str().ends_with(".dockerignore") || elsewhere::is_asked(path);
    let counts = |path: &RepoPath| !settings.ignores_all_of(path);
    let files = revision.entries.keys().filter(|path| is_one(path) && revision.readable(path).is_ok());
    let unread = files.filter(|path| !revision.texts.contains_key(path) && counts(path));
    let stacks = revision.stack_files().into_iter();
    let given = Variables::from(variables);
    let stacks = stacks.filter_map(|source| revision.gathered(&source, &given)).map(|gathered| File::of(gathered).0);
    let bound = stacks.flat_map(|file| traefik::bound(&file));
    let unsure = revision.unsure().filter(|path| is_asked_about(path) && counts(path)).take(MAX_UNNAMED).cloned();
    let mut others = revision.other_files();
    others.retain(|source| is_asked_about(&source.path) && counts(&source.path));
    let more = revision.wanted_of(others, variables).into_iter().chain(bound).chain(unsure);
    unread.take(MAX_UNNAMED).cloned().chain(more.filter(|path| revision.is_unread(path))).collect()
}

/// The most Dockerfiles that are read because of their names.
const MAX_UNNAMED: usize = 10_000;

/// Whether a path has the name of a Dockerfile: `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`, `Containerfile`.
pub fn is_dockerfile(path: &RepoPath) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let (first, last) = (name.split('.').next().unwrap_or_default(), name.rsplit('.').next().unwrap_or_default());
    let is_one = |part: &str| ["Dockerfile", "Containerfile"].iter().any(|known| part.eq_ignore_ascii_case(known));
    (is_one(first) || is_one(last)) && last != "dockerignore"
}
