//! Merges the given files into one tree: replaces variables, follows `include` and `extends`, and merges
//! later files over earlier ones.
//!
//! Pure: files are requested by path, and missing ones are in [`Gathered::asked`], to be read before gathering
//! again. All given files resolve their paths against the folder of the first, as in Docker; an
//! included or extended file against its own folder, as in Compose.
//!
//! The input is bounded: the number of files and their bytes, the depth of references, and the
//! amount copied by `extends`. The error about a cycle names its members.

mod defaults;
mod env_file;
mod extends;
mod include;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::MAX_PROBLEMS;
use super::file::ReadMode;
use super::interpolate::{Interpolation, MAX_FILLED, Unset, Uses};
use super::merge::{self, Zeros};
use super::sources::Sources;
use super::template::Written;
use super::variables::{Origin, Variables};
use super::yaml::{self, BYTES_OF_A_VALUE, Mark, Node, Value};
use crate::diagnostic::{Diagnostic, Span};
use crate::name::RepoPath;
pub(crate) use env_file::NO_ENV_FILE;
use extends::Scope;

/// The most files that one stack is made from.
const MAX_FILES: usize = 100;
/// The most bytes of all of them.
const MAX_BYTES: usize = 4 << 20;
/// The most values in all of them, as [`Node::size`] counts.
const MAX_VALUES: usize = 200_000;
/// How many values `extends` may copy.
const MAX_COPIED: usize = 200_000;

/// The text of a file, or why it is missing.
type Text<'a> = &'a dyn Fn(&RepoPath) -> Result<Arc<[u8]>, Absent>;
/// A text as a stack file, or the errors of its template.
type Read<'a> = &'a dyn Fn(&RepoPath, Arc<[u8]>) -> Result<Written, Vec<Diagnostic>>;

/// Why the text of a file is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// Nothing exists at its path.
    #[error("{0}")]
    Missing(String),
    /// It exists but was not read.
    #[error("{0}")]
    Unreadable(String),
}

/// The source of files.
#[derive(Clone, Copy)]
pub struct Library<'a> {
    /// The text of a file, or why it is missing.
    pub text: Text<'a>,
    /// A text as a stack file, with its template applied.
    pub written: Read<'a>,
    /// How they are read.
    pub read_mode: ReadMode,
}

/// The result of gathering.
#[derive(Debug)]
pub struct Gathered {
    /// The files.
    pub sources: Sources,
    /// The merged tree.
    pub tree: Node,
    /// The problems, by places in `sources`.
    pub problems: Vec<Diagnostic<Span>>,
    /// Variables that are not set, by places in `sources`. Their values are unknown, or empty if the file is read as
    /// written.
    pub unset: Vec<Unset>,
    /// The errors of `.env` files, which are optional.
    pub env_files: Vec<Diagnostic>,
    /// Whether all files exist and are YAML, so that `tree` is complete.
    pub is_whole: bool,
    /// The number of variables set by its files.
    pub set: usize,
    /// The size of its files in bytes, including comments.
    pub bytes: usize,
    /// How they were read.
    pub read_mode: ReadMode,
    /// The errors of templates.
    pub misfits: Vec<Diagnostic>,
    /// Every requested file, whether or not it exists.
    pub asked: BTreeSet<RepoPath>,
}

impl Gathered {
    /// Its size: the values of the tree and variables, or the size of its bytes if larger.
    pub fn size(&self) -> usize {
        (self.tree.size() + self.set).max(self.bytes / BYTES_OF_A_VALUE)
    }
}

/// Merges these files; later ones are merged over earlier ones.
pub fn gather(files: &[RepoPath], library: Library<'_>, variables: &Variables, zeros: Zeros) -> Gathered {
    let mut gatherer = Gatherer {
        library,
        zeros,
        sources: Sources::default(),
        problems: Vec::new(),
        unset: Uses::default(),
        about: BTreeMap::new(),
        env_files: Vec::new(),
        is_whole: true,
        misfits: Vec::new(),
        asked: BTreeSet::new(),
        open: Vec::new(),
        bytes: 0,
        files: 0,
        scopes: Vec::new(),
        scope_of: HashMap::new(),
        copies_left: MAX_COPIED,
        values_left: MAX_VALUES,
        fill_left: MAX_FILLED,
        set: 0,
    };
    let main = if library.read_mode.apart { files.last() } else { files.first() };
    let folder = main.map_or_else(RepoPath::root, RepoPath::parent);
    let variables = gatherer.with_env_file(&folder, variables);
    let place = Place { folder, variables };
    let named: Vec<Mention> = files.iter().map(|path| Mention { path: path.clone(), span: 0..0 }).collect();
    let mut tree = gatherer
        .model(&named, &place, library.read_mode.apart)
        .unwrap_or_else(|| Node::new(0..0, Value::Mapping(Vec::new())));
    merge::settle(&mut tree);
    let Gatherer { sources, problems, unset, about, env_files, is_whole, set, bytes, misfits, asked, .. } = gatherer;
    let mut unset = unset.into_list();
    for unset in &mut unset {
        unset.about = unset.about.take().or_else(|| about.get(&unset.name).cloned());
    }
    let read_mode = library.read_mode;
    Gathered { sources, tree, problems, unset, env_files, is_whole, set, bytes, read_mode, misfits, asked }
}

/// A file, and the place that names it.
#[derive(Debug, Clone)]
struct Mention {
    path: RepoPath,
    span: Span,
}

/// A file that was read.
struct Loaded {
    path: RepoPath,
    written: Written,
    tree: Result<Node, Diagnostic<Span>>,
}

/// The context for the paths and variables of a file.
#[derive(Debug, Clone)]
struct Place {
    folder: RepoPath,
    variables: Variables,
}

struct Gatherer<'a> {
    library: Library<'a>,
    zeros: Zeros,
    sources: Sources,
    problems: Vec<Diagnostic<Span>>,
    unset: Uses,
    /// The comments on variables in stack files.
    about: BTreeMap<String, String>,
    env_files: Vec<Diagnostic>,
    is_whole: bool,
    misfits: Vec<Diagnostic>,
    asked: BTreeSet<RepoPath>,
    /// The files that are being included, each by the one before it.
    open: Vec<RepoPath>,
    bytes: usize,
    files: usize,
    /// Services that may be extended, by file.
    scopes: Vec<Scope>,
    /// The scope of each file that is extended, by path and the address of its variables.
    scope_of: HashMap<(RepoPath, usize), Option<usize>>,
    copies_left: usize,
    /// The number of values that may still be read, and of bytes that variables may still insert.
    values_left: usize,
    fill_left: usize,
    /// The number of variables set by files.
    set: usize,
}

impl Gatherer<'_> {
    /// Merges several files; `None` if none of them exists. If they are `apart`, paths are
    /// relative to their own folders.
    fn model(&mut self, files: &[Mention], place: &Place, apart: bool) -> Option<Node> {
        let loaded: Vec<Loaded> = files.iter().filter_map(|file| self.loaded(file)).collect();
        let place = self.with_defaults(&loaded, place);
        let mut model: Option<Node> = None;
        for file in loaded {
            let folder = if apart { file.path.parent() } else { place.folder.clone() };
            let Some(tree) = self.file(file, &Place { folder, ..place.clone() }) else { continue };
            model = Some(match model {
                Some(base) => merge::files(base, tree, self.zeros),
                None => tree,
            });
        }
        model
    }

    /// The tree of a file with its `extends` and `include` applied; `None` if it is not YAML.
    fn file(&mut self, file: Loaded, place: &Place) -> Option<Node> {
        let path = file.path.clone();
        let mut tree = self.added(file, place)?;
        self.interpolate(&mut tree, &place.variables);
        self.extend_services(&path, &mut tree, place);
        let included = tree.remove("include");
        let Some((_, included)) = included.filter(|(_, node)| node.mark != Mark::Reset) else { return Some(tree) };
        self.open.push(path);
        let tree = self.include(tree, &included, place);
        self.open.pop();
        Some(tree)
    }

    fn interpolate(&mut self, node: &mut Node, variables: &Variables) {
        let filled =
            Interpolation::new(variables, self.library.read_mode.as_written).with_room(self.fill_left).fill(node);
        self.fill_left = filled.room;
        let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(filled.problems.into_iter().take(room));
        self.unset.extend(filled.unset);
    }

    /// A parsed file, not yet among the sources; `None` if an error was reported.
    fn loaded(&mut self, file: &Mention) -> Option<Loaded> {
        let loaded = self.read(file);
        self.is_whole &= loaded.is_some();
        loaded
    }

    fn read(&mut self, file: &Mention) -> Option<Loaded> {
        let text = self.text(file)?;
        let written = match (self.library.written)(&file.path, text) {
            Ok(written) => written,
            Err(misfits) => {
                self.misfits.extend(misfits);
                return None;
            }
        };
        let tree = match &written {
            Written::Out(_, text) => yaml::parse(text),
            Written::Template(made) => Ok(made.tree.clone()),
        };
        let Some(left) = self.values_left.checked_sub(tree.as_ref().map_or(0, Node::size)) else {
            let message = format!("the files of the stack have more than {MAX_VALUES} values together");
            self.once(&file.span, message, "split the stack");
            return None;
        };
        self.values_left = left;
        Some(Loaded { path: file.path.clone(), written, tree })
    }

    /// Adds a file to the sources; returns its tree, with variables not yet replaced and without those that it sets
    /// itself, or `None` if it is not YAML.
    fn added(&mut self, Loaded { written, tree, .. }: Loaded, place: &Place) -> Option<Node> {
        let start = self.sources.add(written, place.folder.clone(), place.variables.clone());
        match tree {
            Ok(mut tree) => {
                tree.shift(start);
                self.take_defaults(&mut tree);
                Some(tree)
            }
            Err(Diagnostic { place, message, .. }) => {
                self.is_whole = false;
                self.problem(&(place.start + start..place.end + start), message, None);
                None
            }
        }
    }

    fn text(&mut self, Mention { path, span }: &Mention) -> Option<Arc<[u8]>> {
        self.asked.insert(path.clone());
        if self.files >= MAX_FILES || self.bytes > MAX_BYTES {
            let message = format!("the stack is made from more than {MAX_FILES} files or {} MiB", MAX_BYTES >> 20);
            self.once(span, message, "write it with fewer files");
            return None;
        }
        match (self.library.text)(path) {
            Ok(text) => {
                self.files += 1;
                self.bytes += text.len();
                Some(text)
            }
            Err(reason) => {
                self.problem(span, format!("`{path}` cannot be read: {reason}"), None);
                None
            }
        }
    }

    fn problem(&mut self, span: &Span, message: String, help: impl Into<Option<String>>) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Diagnostic { help: help.into(), ..Diagnostic::new(span.clone(), message) });
        }
    }

    /// Reports a problem only once.
    fn once(&mut self, span: &Span, message: String, help: &str) {
        if !self.problems.iter().any(|problem| problem.message == message) {
            self.problem(span, message, help.to_owned());
        }
    }

    /// The path that a value names, relative to the folder of its file.
    fn path(&mut self, node: &Node, folder: &RepoPath) -> Option<Mention> {
        let text = node.raw();
        if let Some(help) = remote(text) {
            self.problem(
                &node.span,
                format!("`{}` is not a file of this repository", shortened(text)),
                help.to_owned(),
            );
            return None;
        }
        match folder.join(text) {
            Ok(path) => Some(Mention { path, span: node.span.clone() }),
            Err(invalid) => {
                self.problem(&node.span, invalid.to_string(), "refer to a file of this repository".to_owned());
                None
            }
        }
    }
}

/// The remedy for an address instead of a path.
fn remote(text: &str) -> Option<&'static str> {
    let remote = text.contains("://") || text.starts_with("git@") || text.starts_with("oci:");
    remote.then_some("nothing is fetched from other places during a deploy; commit the file, and name its path")
}

/// A text shortened for a message.
fn shortened(text: &str) -> String {
    let start: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() { format!("{start}…") } else { start }
}

/// A cycle for messages: its members, and the first one again.
fn circle<'t>(members: impl Iterator<Item = &'t str>, again: &str) -> String {
    let around = members.skip_while(|member| *member != again).collect::<Vec<_>>();
    let cut = if around.len() > 8 { " -> … -> " } else { " -> " };
    let shown = around.into_iter().take(8).collect::<Vec<_>>().join(" -> ");
    format!("{shown}{cut}{again}")
}

#[cfg(test)]
mod tests;
