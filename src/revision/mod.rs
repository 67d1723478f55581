//! A commit and the files that skep reads of it: stacks, Dockerfiles, contexts, and which files to read next.

mod layout;
mod viewpoint;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::diagnostic::Diagnostic;
use crate::name::{CommitId, RepoPath, StackName, TreeId};
use crate::stack::file::{File, ReadMode, Reference, ReferenceKind};
use crate::stack::gather::{Absent, Gathered, Library, gather};
use crate::stack::merge::Zeros;
use crate::stack::template::{self, Piece, Template, Written};
use crate::stack::variables::Variables;
pub use layout::variant_of;
pub use viewpoint::Viewpoint;

/// The names of a stack file at the top of a repository; the first that exists counts.
const AT_THE_TOP: [&str; 6] =
    ["stack.yml", "docker-stack.yml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The linter's settings files at the top of a repository.
pub const LINT_SETTINGS: [&str; 4] = [".hadolint.yml", ".hadolint.yaml", "skep-lint.yml", "skep-lint.yaml"];

/// The most values in the stack files of a revision, as [`Node::size`](crate::stack::yaml::Node::size) counts.
pub const MAX_VALUES: usize = 500_000;
/// The longest path that Linux opens, in bytes.
const LONGEST_PATH: usize = 4096;

/// A commit, or a folder on disk that is treated like one: its entries, and the texts that were read so far.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The commit; for a folder on disk, the id of its tree.
    pub commit: CommitId,
    /// The tree, which identifies the files.
    pub tree: TreeId,
    /// The author, as `Name <address>`.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// All entries of the tree except folders.
    pub entries: BTreeMap<RepoPath, Entry>,
    /// The files that were read: [`wanted`](Self::wanted) says which.
    pub texts: BTreeMap<RepoPath, Arc<[u8]>>,
    /// The stack files given on the command line, if any.
    pub named: Option<Named>,
}

/// Local stack files given on the command line. The root of their revision is the root of the file system, and
/// it contains only the files that the stack files refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The files.
    pub files: Vec<RepoPath>,
    /// Whether they are read like by Docker.
    pub as_written: bool,
    /// How their paths are shown.
    pub viewpoint: Viewpoint,
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kind of the entry.
    pub kind: EntryKind,
    /// Git's id of its contents, in hexadecimal digits.
    pub id: String,
}

/// The kind of an entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// An executable file.
    Executable,
    /// A symbolic link; its content is the target path.
    Symlink,
    /// A submodule, which is not read.
    Submodule,
}

impl EntryKind {
    /// The mode in a Git tree.
    pub fn mode(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }
}

/// The files that describe a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSource {
    /// The name of the stack, from `stacks/<name>/stack.yml`; `None` for the file at the top, which takes the
    /// repository's.
    pub name: Option<StackName>,
    /// The file.
    pub path: RepoPath,
    /// Files that it is merged over, in order. Paths in each file are relative to that file's folder.
    pub under: Vec<RepoPath>,
    /// Files that are merged over it, in order.
    pub over: Vec<RepoPath>,
    /// How false, 0 and empty values are merged.
    pub zeros: Zeros,
}

impl StackSource {
    /// A stack with a single file.
    pub fn of(name: Option<StackName>, path: RepoPath) -> Self {
        Self { name, path, under: Vec::new(), over: Vec::new(), zeros: Zeros::default() }
    }

    /// All files in the order in which they are merged.
    fn files(&self) -> Vec<RepoPath> {
        self.under.iter().chain([&self.path]).chain(&self.over).cloned().collect()
    }
}

/// Why a path of a tree cannot be read as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing exists at the path.
    #[error("it is not in the repository; commit it")]
    Missing,
    /// It is a folder.
    #[error("it is a folder, and a file is needed")]
    Folder,
    /// It, or one of its parent folders, is a symbolic link.
    #[error("it is a symbolic link, which is never followed; commit the file itself")]
    Symlink,
    /// It is a submodule, or in one.
    #[error("it is in a submodule, which is not read; commit the file itself")]
    Submodule,
}

impl Revision {
    /// How its paths are shown.
    pub fn viewpoint(&self) -> Viewpoint {
        self.named.as_ref().map(|named| named.viewpoint.clone()).unwrap_or_default()
    }

    /// The files given on the command line, as one stack.
    fn named_files(&self) -> Vec<StackSource> {
        let Some(named) = &self.named else { return Vec::new() };
        let (first, over) =
            named.files.split_first().map_or((None, Vec::new()), |(first, over)| (Some(first), over.to_vec()));
        let zeros = if named.as_written { Zeros::AreNothing } else { Zeros::Count };
        let source = |path: &RepoPath| StackSource { over, zeros, ..StackSource::of(None, path.clone()) };
        first.map(source).into_iter().collect()
    }

    /// Files at the top with the name of a stack file that are not used, because others take precedence.
    pub fn passed_over(&self) -> Vec<RepoPath> {
        let deployed = self.stack_files();
        self.at_the_top().filter(|path| deployed.iter().all(|source| source.path != *path)).collect()
    }

    /// Files at the top with the name of a stack file, in the order of precedence.
    fn at_the_top(&self) -> impl Iterator<Item = RepoPath> {
        let named = AT_THE_TOP.iter().filter_map(|name| RepoPath::root().join(name).ok());
        named.filter(|path| self.readable(path).is_ok())
    }

    /// How its stack files are read.
    pub fn read_mode(&self) -> ReadMode {
        let as_written = self.named.as_ref().is_some_and(|named| named.as_written);
        ReadMode { as_written, local: self.named.is_some(), apart: false }
    }

    /// The folders in `stacks/` with a stack file: name and file.
    fn stack_folders(&self) -> Vec<(&str, &RepoPath)> {
        let found = self.entries.keys().filter_map(|path| {
            let name = path.as_str().strip_prefix("stacks/")?.strip_suffix("/stack.yml")?;
            (!name.contains('/') && self.readable(path).is_ok()).then_some((name, path))
        });
        found.collect()
    }

    /// The entry of a file, if it can be read; symbolic links are never followed.
    pub fn readable(&self, path: &RepoPath) -> Result<&Entry, Unreadable> {
        match self.entries.get(path) {
            Some(entry) => match entry.kind {
                EntryKind::File | EntryKind::Executable => Ok(entry),
                EntryKind::Symlink => Err(Unreadable::Symlink),
                EntryKind::Submodule => Err(Unreadable::Submodule),
            },
            None if self.is_folder(path) => Err(Unreadable::Folder),
            None => Err(self.above(path)),
        }
    }

    /// Why a missing path cannot be read, judging by its parent folders.
    fn above(&self, path: &RepoPath) -> Unreadable {
        if path.as_str().len() > LONGEST_PATH {
            return Unreadable::Missing;
        }
        let folders = std::iter::successors(Some(path.parent()), |folder| Some(folder.parent()));
        let mut entries =
            folders.take_while(|folder| !folder.as_str().is_empty()).filter_map(|folder| self.entries.get(&folder));
        match entries.next().map(|entry| entry.kind) {
            Some(EntryKind::Symlink) => Unreadable::Symlink,
            Some(EntryKind::Submodule) => Unreadable::Submodule,
            _ => Unreadable::Missing,
        }
    }

    /// Whether a path is a folder with entries.
    pub fn is_folder(&self, path: &RepoPath) -> bool {
        self.below(path).next().is_some()
    }

    /// The entries below a folder, in order.
    pub fn below<'a>(&'a self, folder: &'a RepoPath) -> impl Iterator<Item = (&'a RepoPath, &'a Entry)> {
        let first = folder.join("\u{1}").ok();
        let from = first.into_iter().flat_map(|first| self.entries.range(first..));
        from.take_while(|(path, _)| folder.holds(path))
    }

    /// Checks that the target of `reference` exists and has the required kind.
    pub fn check(&self, reference: &Reference) -> Result<(), Unreadable> {
        match (reference.what, self.readable(&reference.path)) {
            (ReferenceKind::Context, Err(Unreadable::Folder))
            | (ReferenceKind::OptionalEnvFile, Err(Unreadable::Missing)) => Ok(()),
            (ReferenceKind::Context, Ok(_)) => Err(Unreadable::Missing),
            (_, found) => found.map(|_| ()),
        }
    }

    /// The files that must still be read into [`texts`](Self::texts): stack files, then the files that they refer to.
    /// Repeat reading and asking until there are none.
    pub fn wanted(&self) -> Vec<RepoPath> {
        self.wanted_with(&BTreeMap::new())
    }

    /// Like [`wanted`](Self::wanted), with variables for paths in the stack files.
    pub fn wanted_with(&self, variables: &BTreeMap<String, String>) -> Vec<RepoPath> {
        let mut wanted = self.wanted_of(self.stack_files(), variables);
        wanted.extend(self.wanted_first());
        wanted.extend(self.lint_settings());
        wanted.retain(|path| self.is_unread(path));
        wanted.into_iter().collect()
    }

    /// The files of these stacks and the files that they refer to, whether they were read or not.
    pub fn wanted_of(&self, sources: Vec<StackSource>, variables: &BTreeMap<String, String>) -> BTreeSet<RepoPath> {
        let variables = Variables::from(variables);
        let mut wanted = BTreeSet::new();
        let mut values = 0;
        for source in sources {
            // Stacks beyond the linter's limit need not be read.
            let gathered = if values > MAX_VALUES { None } else { self.gathered(&source, &variables) };
            if let Some(gathered) = gathered {
                values += gathered.size();
                wanted.extend(gathered.asked.iter().flat_map(|path| self.template_files(path)));
                wanted.extend(gathered.asked.iter().cloned());
                wanted.extend(File::of(gathered).0.references().into_iter().flat_map(needed));
            }
            wanted.insert(source.path);
        }
        wanted
    }

    /// The build contexts of its stacks.
    pub fn contexts(&self, variables: &BTreeMap<String, String>) -> BTreeSet<RepoPath> {
        let given = Variables::from(variables);
        let files = self.stack_files().into_iter().filter_map(|source| self.gathered(&source, &given));
        let references = files.flat_map(|gathered| File::of(gathered).0.references());
        references
            .filter(|reference| reference.what == ReferenceKind::Context)
            .map(|reference| reference.path)
            .collect()
    }

    /// Whether a file may exist but was not read.
    pub fn is_unread(&self, path: &RepoPath) -> bool {
        !self.texts.contains_key(path) && (self.named.is_some() || self.readable(path).is_ok())
    }

    /// A revision of single files, without the repository around them.
    #[expect(clippy::missing_panics_doc, reason = "zeros are a valid id")]
    pub fn alone(texts: BTreeMap<RepoPath, Arc<[u8]>>) -> Self {
        let nobody = "0".repeat(40);
        let entry = |path: &RepoPath| (path.clone(), Entry { kind: EntryKind::File, id: nobody.clone() });
        Self {
            commit: nobody.parse().expect("40 digits are a commit id"),
            tree: nobody.parse().expect("40 digits are a tree id"),
            author: String::new(),
            subject: String::new(),
            entries: texts.keys().map(entry).collect(),
            texts,
            named: Some(Named { files: Vec::new(), as_written: false, viewpoint: Viewpoint::default() }),
        }
    }

    /// Whether the revision was made by [`alone`](Self::alone).
    pub fn is_alone(&self) -> bool {
        self.named.as_ref().is_some_and(|named| named.files.is_empty())
    }

    /// The linter's settings files; a later one overrides an earlier one. Files given on the command line have none.
    pub fn lint_settings(&self) -> impl Iterator<Item = RepoPath> {
        let paths = LINT_SETTINGS.iter().filter_map(|name| RepoPath::root().join(name).ok());
        paths.filter(|path| (self.named.is_none() || self.is_alone()) && self.readable(path).is_ok())
    }

    /// The merged files of a stack; `None` if the first of them was not read.
    pub fn gathered(&self, source: &StackSource, variables: &Variables) -> Option<Gathered> {
        self.texts.get(&source.path)?;
        let read_mode = ReadMode { apart: !source.under.is_empty(), ..self.read_mode() };
        let text = |path: &RepoPath| self.text(path);
        let written = |path: &RepoPath, text| self.written(path, text);
        let library = Library { text: &text, written: &written, read_mode };
        Some(gather(&source.files(), library, variables, source.zeros))
    }

    /// The text of a file, or why it is missing.
    fn text(&self, path: &RepoPath) -> Result<Arc<[u8]>, Absent> {
        match (self.texts.get(path), self.readable(path)) {
            (Some(text), _) => Ok(text.clone()),
            (None, Err(reason @ (Unreadable::Missing | Unreadable::Folder))) => {
                Err(Absent::Missing(reason.to_string()))
            }
            (None, Err(reason)) => Err(Absent::Unreadable(reason.to_string())),
            (None, Ok(_)) => Err(Absent::Unreadable("it is too large".to_owned())),
        }
    }

    /// A stack file as it is deployed, with its template applied.
    ///
    /// A template of the repository overrides skep's own with the same name.
    fn written(&self, path: &RepoPath, text: Arc<[u8]>) -> Result<Written, Vec<Diagnostic>> {
        let Some(reference) = template::Reference::of(path, &text) else {
            return Ok(Written::Out(path.clone(), text));
        };
        match self.template(reference.name()) {
            Some(template) => reference.fill(template).map(|made| Written::Template(Box::new(made))),
            None => Err(vec![reference.unknown(self.templates())]),
        }
    }

    fn template(&self, name: &str) -> Option<Template> {
        let [body, values] = Template::files(name)?;
        match self.texts.get(&body) {
            Some(text) => {
                let given = self.texts.get(&values).cloned().unwrap_or_default();
                let (body, values) = (Piece { path: body, text: text.clone() }, Piece { path: values, text: given });
                Some(Template { body, values, built_in: false })
            }
            None if self.readable(&body).is_err() => Template::built_in(name),
            None => None,
        }
    }

    /// The names of the available templates.
    fn templates(&self) -> BTreeSet<&str> {
        let own = self.entries.keys().filter_map(|path| {
            let name = path.as_str().strip_prefix(Template::FOLDER)?.strip_prefix('/')?.strip_suffix("/stack.yml")?;
            Template::files(name).map(|_| name)
        });
        own.chain(Template::built_in_names().map(|name| name as &str)).collect()
    }

    /// The files of the template of a stack file.
    fn template_files(&self, path: &RepoPath) -> Vec<RepoPath> {
        let reference = self.texts.get(path).and_then(|text| template::Reference::of(path, text));
        reference.and_then(|reference| Template::files(reference.name())).into_iter().flatten().collect()
    }

    /// A revision with these files, for tests.
    #[doc(hidden)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let id = |text: &str| hex::encode(Sha256::digest(text));
        let path = |path: &str| RepoPath::root().join(path).expect("tests use valid paths");
        let entry = |text: &str| Entry { kind: EntryKind::File, id: id(text) };
        let whole = id(&format!("{files:?}"));
        Self {
            commit: whole.parse().expect("64 digits are a commit id"),
            tree: whole.parse().expect("64 digits are a tree id"),
            author: "Ada <ada@example.com>".to_owned(),
            subject: "Change the shop".to_owned(),
            entries: files.iter().map(|(name, text)| (path(name), entry(text))).collect(),
            texts: files.iter().map(|(name, text)| (path(name), text.as_bytes().into())).collect(),
            named: None,
        }
    }
}

/// The files that a reference needs, including the ignore files beside a Dockerfile and in a context.
fn needed(reference: Reference) -> Vec<RepoPath> {
    match reference.what {
        ReferenceKind::Context => reference.path.join(".dockerignore").into_iter().collect(),
        ReferenceKind::Dockerfile => {
            let ignore = RepoPath::root().join(&format!("{}.dockerignore", reference.path)).ok();
            ignore.into_iter().chain([reference.path]).collect()
        }
        _ => vec![reference.path],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        text.parse().unwrap()
    }

    fn shown<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
        items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// A revision without any read files, and their texts.
    fn unread(files: &[(&str, &str)]) -> (Revision, BTreeMap<RepoPath, Arc<[u8]>>) {
        let mut revision = Revision::of(files);
        let texts = std::mem::take(&mut revision.texts);
        (revision, texts)
    }

    #[test]
    fn stacks_are_found_by_their_files() {
        let files = |revision: &Revision| shown(revision.stack_files().into_iter().map(|source| source.path));
        let revision = Revision::of(&[("compose.yml", ""), ("docker-compose.yml", ""), ("a/stack.yml", "")]);
        assert_eq!(files(&revision), "compose.yml");
        assert_eq!(shown(revision.passed_over()), "docker-compose.yml");
        assert_eq!(revision.stack_files()[0].name, None);
        let revision = Revision::of(&[("stack.yml", ""), ("stacks/shop/stack.yml", ""), ("stacks/B.c/stack.yml", "")]);
        assert_eq!(files(&revision), "stacks/shop/stack.yml");
        assert_eq!(shown(revision.passed_over()), "stack.yml");
        assert_eq!(revision.stack_files()[0].name, Some("shop".parse().unwrap()));
        assert_eq!(shown(revision.misnamed().into_iter().map(|(path, _)| path)), "stacks/B.c/stack.yml");
        assert_eq!(files(&Revision::of(&[("README.md", "")])), "");
    }

    #[test]
    fn what_is_wanted_is_read_step_by_step() {
        let stack = "services: {web: {build: ./web, env_file: [a.env, no.env]}}\nconfigs: {c: {file: c.conf}}";
        let (mut revision, texts) = unread(&[
            ("stack.yml", stack),
            ("web/Dockerfile", "FROM scratch"),
            ("web/.dockerignore", "*"),
            ("web/Dockerfile.dockerignore", "*"),
            ("web/main.c", ""),
            ("a.env", ""),
            ("c.conf", ""),
        ]);
        let mut rounds = Vec::new();
        loop {
            let wanted = revision.wanted();
            if wanted.is_empty() {
                break;
            }
            rounds.push(shown(&wanted));
            revision.texts.extend(wanted.into_iter().map(|path| (path.clone(), texts[&path].clone())));
        }
        insta::assert_snapshot!(rounds.join("\n"), @"
        stack.yml
        a.env c.conf web/.dockerignore web/Dockerfile web/Dockerfile.dockerignore
        ");
    }

    #[test]
    fn links_are_never_followed() {
        let (mut revision, _) = unread(&[("stack.yml", ""), ("secrets", "/etc"), ("a/b", ""), ("lib", "")]);
        for (name, kind) in
            [("stack.yml", EntryKind::Symlink), ("secrets", EntryKind::Symlink), ("lib", EntryKind::Submodule)]
        {
            revision.entries.get_mut(&path(name)).unwrap().kind = kind;
        }
        assert!(revision.wanted().is_empty());
        let why = |name: &str| revision.readable(&path(name)).unwrap_err().to_string();
        insta::assert_snapshot!(why("secrets/passwd/x"), @"it is a symbolic link, which is never followed; commit the file itself");
        insta::assert_snapshot!(why("lib/x"), @"it is in a submodule, which is not read; commit the file itself");
        insta::assert_snapshot!(why("a"), @"it is a folder, and a file is needed");
        insta::assert_snapshot!(why("a/c"), @"it is not in the repository; commit it");
    }

    #[test]
    fn a_folder_is_known_by_what_is_in_it() {
        let revision = Revision::of(&[("a!", ""), ("a/b", ""), ("ab/c", "")]);
        assert!(
            revision.is_folder(&path("a")) && revision.is_folder(&path("ab")) && revision.is_folder(&RepoPath::root())
        );
        assert!(
            !revision.is_folder(&path("a!")) && !revision.is_folder(&path("a/b")) && !revision.is_folder(&path("b"))
        );
    }
}
