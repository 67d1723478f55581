//! A commit and the files we read of it: which of them are stacks, Dockerfiles, contexts; what to read next.

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

/// The names that a stack file may have at the top of a repository; the first that is there counts.
const AT_THE_TOP: [&str; 6] =
    ["stack.yml", "docker-stack.yml", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Settings of the linter, at the top of a repository.
pub const LINT_SETTINGS: [&str; 4] = [".hadolint.yml", ".hadolint.yaml", "skep-lint.yml", "skep-lint.yaml"];

/// The most values in the stack files of a revision, as [`Node::size`](crate::stack::yaml::Node::size) counts.
pub const MAX_VALUES: usize = 500_000;
/// The longest path that Linux opens, in bytes.
const LONGEST_PATH: usize = 4096;

/// A commit, or a folder on disk that is treated as one: what is in it, and the texts that were read so far.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The commit; for a folder on disk the id that its tree would have.
    pub commit: CommitId,
    /// The tree: the same tree is the same files.
    pub tree: TreeId,
    /// Who made it, as `Name <address>`.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// Everything in the tree, folders left out.
    pub entries: BTreeMap<RepoPath, Entry>,
    /// The files that were read: [`wanted`](Self::wanted) says which.
    pub texts: BTreeMap<RepoPath, Arc<[u8]>>,
    /// The stack files that a person named, if none is looked for.
    pub named: Option<Named>,
}

/// Stack files of this machine that a person named. The root of their revision is that of the machine's files, and of
/// those only what the stack files refer to is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The files.
    pub files: Vec<RepoPath>,
    /// Whether they are read as Docker reads them.
    pub as_written: bool,
    /// From where the person sees them.
    pub viewpoint: Viewpoint,
}

/// Something in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Git's id of its content, in hexadecimal digits.
    pub id: String,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; its content is the path it points to.
    Symlink,
    /// Another repository, which we do not read.
    Submodule,
}

impl EntryKind {
    /// The mode that a Git tree has for it.
    pub fn mode(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }
}

/// A file that describes a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSource {
    /// The stack's name, from `stacks/<name>/stack.yml`; none for the file at the top, which bears its repository's.
    pub name: Option<StackName>,
    /// The file.
    pub path: RepoPath,
    /// Files that it is laid over, in order. Each of them, and the file, has paths relative to its own folder.
    pub under: Vec<RepoPath>,
    /// Files that are laid over it, in order.
    pub over: Vec<RepoPath>,
    /// What false, 0 and empty mean in them.
    pub zeros: Zeros,
}

impl StackSource {
    /// A stack that is described by one file.
    pub fn of(name: Option<StackName>, path: RepoPath) -> Self {
        Self { name, path, under: Vec::new(), over: Vec::new(), zeros: Zeros::default() }
    }

    /// Its files, each laid over those before it.
    fn files(&self) -> Vec<RepoPath> {
        self.under.iter().chain([&self.path]).chain(&self.over).cloned().collect()
    }
}

/// Why something in a tree is not a file to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing of this name.
    #[error("it is not in the repository; commit it")]
    Missing,
    /// It is a folder.
    #[error("it is a folder, and a file is needed")]
    Folder,
    /// It, or a folder that it is in, is a symbolic link.
    #[error("it is a symbolic link, which is never followed; commit the file itself")]
    Symlink,
    /// It is, or is in, another repository.
    #[error("it is in a submodule, which is not read; commit the file itself")]
    Submodule,
}

impl Revision {
    /// From where a person sees its paths.
    pub fn viewpoint(&self) -> Viewpoint {
        self.named.as_ref().map(|named| named.viewpoint.clone()).unwrap_or_default()
    }

    /// The files that a person named, as one stack.
    fn named_files(&self) -> Vec<StackSource> {
        let Some(named) = &self.named else { return Vec::new() };
        let (first, over) =
            named.files.split_first().map_or((None, Vec::new()), |(first, over)| (Some(first), over.to_vec()));
        let zeros = if named.as_written { Zeros::AreNothing } else { Zeros::Count };
        let source = |path: &RepoPath| StackSource { over, zeros, ..StackSource::of(None, path.clone()) };
        first.map(source).into_iter().collect()
    }

    /// Files at the top with the name of a stack file that are none, because others come first.
    pub fn passed_over(&self) -> Vec<RepoPath> {
        let deployed = self.stack_files();
        self.at_the_top().filter(|path| deployed.iter().all(|source| source.path != *path)).collect()
    }

    /// Files at the top with the name of a stack file, the one that counts first.
    fn at_the_top(&self) -> impl Iterator<Item = RepoPath> {
        let named = AT_THE_TOP.iter().filter_map(|name| RepoPath::root().join(name).ok());
        named.filter(|path| self.readable(path).is_ok())
    }

    /// How its stack files are read.
    pub fn read_mode(&self) -> ReadMode {
        let as_written = self.named.as_ref().is_some_and(|named| named.as_written);
        ReadMode { as_written, local: self.named.is_some(), apart: false }
    }

    /// The folders of `stacks/` that have a stack file, by name, and the file.
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

    /// What stands in the way above a path that is not there.
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

    /// Whether something lies below a path.
    pub fn is_folder(&self, path: &RepoPath) -> bool {
        self.below(path).next().is_some()
    }

    /// The entries below a folder, in their order.
    pub fn below<'a>(&'a self, folder: &'a RepoPath) -> impl Iterator<Item = (&'a RepoPath, &'a Entry)> {
        let first = folder.join("\u{1}").ok();
        let from = first.into_iter().flat_map(|first| self.entries.range(first..));
        from.take_while(|(path, _)| folder.holds(path))
    }

    /// What `reference` refers to, if it is there in the form that is needed.
    pub fn check(&self, reference: &Reference) -> Result<(), Unreadable> {
        match (reference.what, self.readable(&reference.path)) {
            (ReferenceKind::Context, Err(Unreadable::Folder))
            | (ReferenceKind::OptionalEnvFile, Err(Unreadable::Missing)) => Ok(()),
            (ReferenceKind::Context, Ok(_)) => Err(Unreadable::Missing),
            (_, found) => found.map(|_| ()),
        }
    }

    /// The files that must still be read into [`texts`](Self::texts): stack files, then what they refer to. Read them,
    /// and ask again, until there are none.
    pub fn wanted(&self) -> Vec<RepoPath> {
        self.wanted_with(&BTreeMap::new())
    }

    /// As [`wanted`](Self::wanted), where paths in the stack files have variables in them.
    pub fn wanted_with(&self, variables: &BTreeMap<String, String>) -> Vec<RepoPath> {
        let mut wanted = self.wanted_of(self.stack_files(), variables);
        wanted.extend(self.wanted_first());
        wanted.extend(self.lint_settings());
        wanted.retain(|path| self.is_unread(path));
        wanted.into_iter().collect()
    }

    /// The files that these stacks are made from and refer to, whether they were read or not.
    pub fn wanted_of(&self, sources: Vec<StackSource>, variables: &BTreeMap<String, String>) -> BTreeSet<RepoPath> {
        let variables = Variables::from(variables);
        let mut wanted = BTreeSet::new();
        let mut values = 0;
        for source in sources {
            // What the linter does not read any more need not be read either.
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

    /// The folders that its stacks are built in.
    pub fn contexts(&self, variables: &BTreeMap<String, String>) -> BTreeSet<RepoPath> {
        let given = Variables::from(variables);
        let files = self.stack_files().into_iter().filter_map(|source| self.gathered(&source, &given));
        let references = files.flat_map(|gathered| File::of(gathered).0.references());
        references
            .filter(|reference| reference.what == ReferenceKind::Context)
            .map(|reference| reference.path)
            .collect()
    }

    /// Whether a file was not read, and may be there.
    pub fn is_unread(&self, path: &RepoPath) -> bool {
        !self.texts.contains_key(path) && (self.named.is_some() || self.readable(path).is_ok())
    }

    /// Files without what is around them, for who wants to know about these alone.
    #[expect(clippy::missing_panics_doc, reason = "zeros are an id")]
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

    /// Whether it was made by [`alone`](Self::alone).
    pub fn is_alone(&self) -> bool {
        self.named.as_ref().is_some_and(|named| named.files.is_empty())
    }

    /// The files that say how it is checked; a later one goes before an earlier one. Stack files that a person named have none.
    pub fn lint_settings(&self) -> impl Iterator<Item = RepoPath> {
        let paths = LINT_SETTINGS.iter().filter_map(|name| RepoPath::root().join(name).ok());
        paths.filter(|path| (self.named.is_none() || self.is_alone()) && self.readable(path).is_ok())
    }

    /// What the files of a stack say together; none if the first of them was not read.
    pub fn gathered(&self, source: &StackSource, variables: &Variables) -> Option<Gathered> {
        self.texts.get(&source.path)?;
        let read_mode = ReadMode { apart: !source.under.is_empty(), ..self.read_mode() };
        let text = |path: &RepoPath| self.text(path);
        let written = |path: &RepoPath, text| self.written(path, text);
        let library = Library { text: &text, written: &written, read_mode };
        Some(gather(&source.files(), library, variables, source.zeros))
    }

    /// The text of a file, or why there is none.
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

    /// A stack file as it is deployed, made from its template if it asks for one.
    ///
    /// A template of the repository goes before one of the same name that skep brings along.
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

    /// The names of the templates that a stack file may ask for.
    fn templates(&self) -> BTreeSet<&str> {
        let own = self.entries.keys().filter_map(|path| {
            let name = path.as_str().strip_prefix(Template::FOLDER)?.strip_prefix('/')?.strip_suffix("/stack.yml")?;
            Template::files(name).map(|_| name)
        });
        own.chain(Template::built_in_names().map(|name| name as &str)).collect()
    }

    /// The files of the template that a stack file asks for.
    fn template_files(&self, path: &RepoPath) -> Vec<RepoPath> {
        let reference = self.texts.get(path).and_then(|text| template::Reference::of(path, text));
        reference.and_then(|reference| Template::files(reference.name())).into_iter().flatten().collect()
    }

    /// A revision with these files, for tests.
    #[doc(hidden)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let id = |text: &str| hex::encode(Sha256::digest(text));
        let path = |path: &str| RepoPath::root().join(path).expect("a test names its files well");
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

/// The files that a reference needs: those beside a recipe and in a context say what is left out of the context.
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

    /// A revision of which nothing was read yet.
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
