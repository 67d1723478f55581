//! The build context of a revision, and the key of the image built from it.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::diagnostic::{Diagnostic, Line};
use crate::name::{RepoPath, ServiceName};
use crate::revision::{Entry, EntryKind, Revision};
use crate::stack::ignore::{self, Ignore};
use crate::stack::recipe::Recipe;

/// The files of a build context.
///
/// Symbolic links are sent unchanged, as by Docker, and are resolved in the builder. Submodules are excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The files by their paths in the context, in order.
    pub files: BTreeMap<String, Entry>,
    /// The path of the Dockerfile among them.
    pub dockerfile: String,
    /// Notes for the author, one sentence each.
    pub notes: Vec<String>,
}

/// The name in the context of a Dockerfile that is outside of it.
const OUTSIDE: &str = ".skep.Dockerfile";

/// Why a recipe has no context in a revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not exist.
    #[error("the build context `{path}` of `{service}` is not in the repository; is it committed?")]
    Missing {
        /// The service.
        service: ServiceName,
        /// The context.
        path: RepoPath,
    },
    /// It, or one of its parents, is not a folder.
    #[error("the build context of `{service}` is not a folder: `{path}` is {what}")]
    NotAFolder {
        /// The service.
        service: ServiceName,
        /// The context or its parent.
        path: RepoPath,
        /// What it is.
        what: &'static str,
    },
    /// There is no Dockerfile.
    #[error("`{service}` cannot be built without a Dockerfile, and `{path}` is {found}")]
    NoDockerfile {
        /// The service.
        service: ServiceName,
        /// The path of the Dockerfile.
        path: RepoPath,
        /// The problem with it.
        found: &'static str,
    },
    /// The ignore file has an invalid line.
    #[error("`{path}`: {reason}")]
    Ignore {
        /// The file.
        path: RepoPath,
        /// The line and what is wrong with it.
        reason: Box<Diagnostic<Line>>,
    },
    /// Comparing the ignore patterns with the files takes too long.
    #[error("the ignore file of the build context `{context}`: {reason}")]
    TooLong {
        /// The context.
        context: RepoPath,
        /// What takes too long, and what to do.
        reason: ignore::TooLong,
    },
    /// A file that decides was not read, or is not text.
    #[error("`{path}` says what belongs to the build, and could not be read as text")]
    Unread {
        /// The file.
        path: RepoPath,
    },
}

impl Context {
    /// The context of a recipe. The [ignore files](Recipe::ignore_files) must be among the revision's texts.
    pub fn of(revision: &Revision, recipe: &Recipe) -> Result<Self, Error> {
        let below = below(revision, recipe)?;
        let dockerfile = dockerfile(revision, recipe)?;
        let ignore = ignore(revision, recipe)?;
        let name = recipe.dockerfile.below(&recipe.context).unwrap_or(OUTSIDE);
        let (mut submodules, mut files) = (BTreeMap::new(), BTreeMap::new());
        for (path, entry) in kept(below, &ignore, recipe)? {
            let is_submodule = entry.kind == EntryKind::Submodule;
            if is_submodule { &mut submodules } else { &mut files }.insert(path, entry);
        }
        files.insert(name.to_owned(), dockerfile.clone());
        let notes = submodules.keys().map(|path| format!("`{path}` is a submodule and is excluded from the build"));
        Ok(Self { notes: notes.collect(), files, dockerfile: name.to_owned() })
    }

    /// The key of an image of this context, the same on every machine: 32 hexadecimal digits.
    ///
    /// It covers all that goes into the image (paths, modes and contents, the Dockerfile's place, arguments, target,
    /// the digests of `bases` by name) and the test that the image passed. Where in the repository the context lies
    /// does not count, nor does what is ignored.
    pub fn key(&self, recipe: &Recipe, bases: &BTreeMap<String, String>) -> String {
        let mut key = Fields::default();
        key.list("files", self.files.iter().map(|(path, entry)| [path, entry.kind.mode(), &entry.id]));
        key.list("dockerfile", [[&self.dockerfile]]);
        key.list("args", recipe.args.iter().map(|(name, value)| [name, value]));
        key.list("target", recipe.target.iter().map(|target| [target]));
        key.list("test", recipe.test.iter().map(|word| [word]));
        key.list("bases", bases.iter().map(|(name, digest)| [name, digest]));
        hex::encode(&key.0.finalize()[..16])
    }
}

/// A hash over fields, each with its length before it, so that no two lists of fields read the same.
#[derive(Default)]
struct Fields(Sha256);

impl Fields {
    fn list<'a, const N: usize>(
        &mut self,
        name: &str,
        rows: impl IntoIterator<Item = [&'a (impl AsRef<str> + ?Sized + 'a); N]>,
    ) {
        let rows: Vec<[&str; N]> = rows.into_iter().map(|row| row.map(AsRef::as_ref)).collect();
        self.field(name);
        self.field(&rows.len().to_string());
        rows.iter().flatten().for_each(|field| self.field(field));
    }

    fn field(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }
}

fn described(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File | EntryKind::Executable => "a file",
        EntryKind::Symlink => "a symbolic link; write the path that it leads to",
        EntryKind::Submodule => "a submodule, which is not read; copy what is needed into the repository",
    }
}

/// Everything below the context, by its path there.
fn below(revision: &Revision, recipe: &Recipe) -> Result<BTreeMap<String, Entry>, Error> {
    let service = || recipe.service.clone();
    let folders = std::iter::successors(Some(recipe.context.clone()), |folder| Some(folder.parent()));
    let mut folders = folders.take_while(|folder| !folder.as_str().is_empty());
    if let Some((path, entry)) = folders.find_map(|folder| revision.entries.get_key_value(&folder)) {
        return Err(Error::NotAFolder { service: service(), path: path.clone(), what: described(entry.kind) });
    }
    let entries = revision.below(&recipe.context);
    let below = entries.filter_map(|(path, entry)| Some((path.below(&recipe.context)?.to_owned(), entry.clone())));
    let below: BTreeMap<_, _> = below.collect();
    if below.is_empty() {
        return Err(Error::Missing { service: service(), path: recipe.context.clone() });
    }
    Ok(below)
}

/// The entries that are not ignored.
fn kept(below: BTreeMap<String, Entry>, ignore: &Ignore, recipe: &Recipe) -> Result<Vec<(String, Entry)>, Error> {
    let mut filter = ignore.filter(ignore::MAX_STEPS);
    let mut kept = Vec::new();
    for (path, entry) in below {
        let is_ignored = filter.ignores(&path);
        let is_ignored = is_ignored.map_err(|reason| Error::TooLong { context: recipe.context.clone(), reason })?;
        if !is_ignored || path == ".dockerignore" {
            kept.push((path, entry));
        }
    }
    Ok(kept)
}

fn dockerfile<'a>(revision: &'a Revision, recipe: &Recipe) -> Result<&'a Entry, Error> {
    let found = match revision.entries.get(&recipe.dockerfile) {
        Some(entry) if matches!(entry.kind, EntryKind::File | EntryKind::Executable) => return Ok(entry),
        Some(entry) => described(entry.kind),
        None if revision.is_folder(&recipe.dockerfile) => "a folder",
        None => "not in the repository; is it committed?",
    };
    Err(Error::NoDockerfile { service: recipe.service.clone(), path: recipe.dockerfile.clone(), found })
}

fn ignore(revision: &Revision, recipe: &Recipe) -> Result<Ignore, Error> {
    let candidates = recipe.ignore_files();
    let Some(path) = candidates.into_iter().find(|path| revision.entries.contains_key(path)) else {
        return Ok(Ignore::default());
    };
    let text = revision.texts.get(&path).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let Some(text) = text else { return Err(Error::Unread { path }) };
    Ignore::read(text).map_err(|reason| Error::Ignore { path, reason: Box::new(reason) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    /// A revision with these files; one whose content begins with `->`, `+x` or `@` is a link, executable, submodule.
    fn revision(files: &[(&str, &str)]) -> Revision {
        let path = |path: &str| path.parse::<RepoPath>().unwrap();
        let entry = |text: &str| {
            let kind = match text {
                text if text.starts_with("->") => EntryKind::Symlink,
                text if text.starts_with("+x") => EntryKind::Executable,
                text if text.starts_with('@') => EntryKind::Submodule,
                _ => EntryKind::File,
            };
            Entry { kind, id: hex::encode(Sha256::digest(text)) }
        };
        let texts = files.iter().filter(|(path, _)| path.ends_with("ignore"));
        Revision {
            commit: "a".repeat(40).parse().unwrap(),
            tree: "b".repeat(40).parse().unwrap(),
            author: String::new(),
            subject: String::new(),
            entries: files.iter().map(|(name, text)| (path(name), entry(text))).collect(),
            texts: texts.map(|(name, text)| (path(name), Arc::from(text.as_bytes()))).collect(),
            named: None,
        }
    }

    fn recipe(context: &str, dockerfile: &str) -> Recipe {
        Recipe {
            service: "web".parse().unwrap(),
            context: context.parse().unwrap(),
            dockerfile: dockerfile.parse().unwrap(),
            args: BTreeMap::new(),
            target: None,
            test: Vec::new(),
        }
    }

    fn paths(files: &[(&str, &str)], recipe: &Recipe) -> String {
        let context = Context::of(&revision(files), recipe).unwrap();
        context.files.keys().chain(&context.notes).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn refused(files: &[(&str, &str)], recipe: &Recipe) -> String {
        Context::of(&revision(files), recipe).unwrap_err().to_string()
    }

    fn key(files: &[(&str, &str)]) -> String {
        let recipe = recipe("", "Dockerfile");
        Context::of(&revision(files), &recipe).unwrap().key(&recipe, &BTreeMap::new())
    }

    #[test]
    fn a_context_is_what_is_below_its_folder_and_not_ignored() {
        let files = [
            ("web/Dockerfile", "FROM a"),
            ("web/.dockerignore", "*\n!src"),
            ("web/src/main.c", "int"),
            ("web/src/lib", "-> /etc"),
            ("web/src/dep", "@"),
            ("web/notes.md", "no"),
            ("web2/a", "no"),
        ];
        insta::assert_snapshot!(paths(&files, &recipe("web", "web/Dockerfile")), @".dockerignore Dockerfile src/lib src/main.c `src/dep` is a submodule and is excluded from the build");
    }

    #[test]
    fn the_dockerfile_may_lie_elsewhere_and_have_its_own_ignore_file() {
        let files = [
            ("web/.dockerignore", "*"),
            ("web/a", "a"),
            ("web/b", "b"),
            ("docker/web", "FROM a"),
            ("docker/web.dockerignore", "b"),
        ];
        assert_eq!(paths(&files, &recipe("web", "docker/web")), ".dockerignore .skep.Dockerfile a");
    }

    #[test]
    fn a_recipe_without_a_context_says_why() {
        let files =
            [("file", ""), ("link", "-> web"), ("sub", "@"), ("web/Dockerfile", "-> x"), ("bad/.dockerignore", "[")];
        let table = [
            ("none", "none/Dockerfile"),
            ("file", "Dockerfile"),
            ("link/web", "web/Dockerfile"),
            ("sub", "sub/Dockerfile"),
            ("web", "web/Dockerfile"),
            ("web", "web"),
            ("web", "web/Dockerfile.prod"),
            ("bad", "file"),
        ];
        let shown = table.map(|(context, dockerfile)| refused(&files, &recipe(context, dockerfile)));
        insta::assert_snapshot!(shown.join("\n"), @r"
        the build context `none` of `web` is not in the repository; is it committed?
        the build context of `web` is not a folder: `file` is a file
        the build context of `web` is not a folder: `link` is a symbolic link; write the path that it leads to
        the build context of `web` is not a folder: `sub` is a submodule, which is not read; copy what is needed into the repository
        `web` cannot be built without a Dockerfile, and `web/Dockerfile` is a symbolic link; write the path that it leads to
        `web` cannot be built without a Dockerfile, and `web` is a folder
        `web` cannot be built without a Dockerfile, and `web/Dockerfile.prod` is not in the repository; is it committed?
        `bad/.dockerignore`: line 1: `[` is not a pattern: its `[` is not closed
        ");
    }

    #[test]
    fn the_key_is_the_same_on_every_machine() {
        assert_eq!(key(&[("Dockerfile", "FROM a"), ("a", "1")]), "cbe36db86e402d3c15f98a4f9a98d1b7");
    }

    #[test]
    fn the_key_changes_with_all_that_goes_into_the_image() {
        let files = [("Dockerfile", "FROM a"), ("a", "1")];
        let context = Context::of(&revision(&files), &recipe("", "Dockerfile")).unwrap();
        let plain = recipe("", "Dockerfile");
        let pair = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let none = BTreeMap::new();
        let keys = [
            context.key(&plain, &none),
            context.key(&Recipe { args: pair("a", "b"), ..plain.clone() }, &none),
            context.key(&Recipe { args: pair("ab", ""), ..plain.clone() }, &none),
            context.key(&Recipe { target: Some("a".into()), ..plain.clone() }, &none),
            context.key(&Recipe { test: vec!["a".into()], ..plain.clone() }, &none),
            context.key(&Recipe { test: vec!["a".into(), "b".into()], ..plain.clone() }, &none),
            context.key(&plain, &pair("a", "b")),
            context.key(&plain, &pair("a", "c")),
            key(&[("Dockerfile", "FROM a"), ("a", "2")]),
            key(&[("Dockerfile", "FROM a"), ("b", "1")]),
            key(&[("Dockerfile", "FROM a"), ("a", "+x")]),
        ];
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{keys:#?}");
        assert_eq!(keys[0], key(&files));
    }

    #[test]
    fn the_key_does_not_change_when_the_context_moves() {
        let recipe = recipe("apps/web", "apps/web/Dockerfile");
        let moved = Context::of(&revision(&[("apps/web/Dockerfile", "FROM a")]), &recipe).unwrap();
        assert_eq!(moved.key(&recipe, &BTreeMap::new()), key(&[("Dockerfile", "FROM a")]));
    }

    fn contents() -> impl Strategy<Value = Vec<(String, String)>> {
        let files = proptest::collection::btree_map("[a-d]{1,2}", "[a-z]{0,4}", 1..6);
        files.prop_map(|files| files.into_iter().collect())
    }

    fn with_dockerfile<'a>(files: &'a [(String, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.chain([("Dockerfile", "FROM a"), (".dockerignore", "secret")]).chain(more.iter().copied()).collect()
    }

    proptest! {
        #[test]
        fn order_does_not_change_the_key(files in contents()) {
            let there = with_dockerfile(&files, &[]);
            let back: Vec<_> = there.iter().rev().copied().collect();
            prop_assert_eq!(key(&there), key(&back));
        }

        #[test]
        fn any_change_changes_the_key(files in contents(), which in any::<proptest::sample::Index>(), text in "[a-z]{0,4}") {
            let mut changed = files.clone();
            let file = &mut changed[which.index(files.len())];
            prop_assume!(file.1 != text);
            file.1 = text;
            prop_assert_ne!(key(&with_dockerfile(&files, &[])), key(&with_dockerfile(&changed, &[])));
        }

        #[test]
        fn an_ignored_file_does_not_change_the_key(files in contents(), text in "[a-z]{0,4}") {
            let more = [("secret/key", text.as_str())];
            prop_assert_eq!(key(&with_dockerfile(&files, &[])), key(&with_dockerfile(&files, &more)));
        }
    }
}
