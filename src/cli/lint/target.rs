//! The paths given to `skep lint`, read: folders, Dockerfiles and stack files.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::super::variables::For;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::render::Texts;
use crate::lint::settings::Written;
use crate::lint::shellcheck::Question;
use crate::lint::{self, Settings};
use crate::name::RepoPath;
use crate::revision::{LINT_SETTINGS, Revision};
use crate::source::read::MAX_TEXT;
use crate::source::{folder, named};
use crate::stack::variables::Set;

/// The path that means a Dockerfile from standard input.
const STANDARD_INPUT: &str = "-";

/// A revision to check.
pub(super) struct Target {
    pub(super) revision: Revision,
    pub(super) variables: Set,
    /// Settings that override those of the revision.
    pub(super) given: Settings,
    /// The folder of the revision's top.
    top: PathBuf,
    /// How its paths are shown relative to the working folder.
    seen: Seen,
}

/// How the paths of a revision are shown.
enum Seen {
    /// With this prefix.
    Below(String),
    /// As the names of the given files.
    AsNamed,
    /// Each as it was given.
    Given(BTreeMap<RepoPath, RepoPath>),
}

/// Looks up the variables for stack files in a folder or for a given one.
type VariablesFor<'a> = &'a dyn Fn(For<'_>) -> anyhow::Result<Set>;

/// Reads the given paths: each folder and stack file separately, and all Dockerfiles together.
pub(super) fn all(paths: &[PathBuf], variables: VariablesFor<'_>) -> anyhow::Result<Vec<Target>> {
    let (folders, files): (Vec<_>, Vec<_>) = paths.iter().partition(|path| !is_file(path));
    let (stacks, dockerfiles): (Vec<&PathBuf>, Vec<&PathBuf>) = files.into_iter().partition(|path| is_stack_file(path));
    let mut targets = Vec::new();
    for path in folders {
        targets.push(of_folder(path, &variables(For::Folder(path))?)?);
    }
    let settings = if stacks.is_empty() && dockerfiles.is_empty() { Texts::new() } else { settings_here() };
    if !settings.is_empty() || !dockerfiles.is_empty() {
        targets.push(of_dockerfiles(&dockerfiles, settings.clone())?);
    }
    for path in stacks {
        targets.push(of_stack_file(path, &variables(For::AnyFile)?, &settings)?);
    }
    Ok(targets)
}

fn is_file(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT) || path.is_file()
}

fn is_stack_file(path: &Path) -> bool {
    let is_yaml = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    is_yaml && !name.parse().is_ok_and(|name| lint::is_dockerfile(&name))
}

fn of_folder(path: &Path, given: &Set) -> anyhow::Result<Target> {
    // The settings are among the first files, and exclude some of the others.
    let (stacks, others) =
        (|revision: &Revision| revision.wanted_with(given), |revision: &Revision| lint::wanted(revision, given));
    let revision = folder::look(path, &[&stacks, &others])?;
    let as_given = || path.to_string_lossy().trim_end_matches('/').to_owned();
    let seen = Seen::Below(from_here(path).map_or_else(as_given, |path| path.to_string()));
    Ok(Target { revision, variables: given.clone(), given: Settings::default(), top: path.to_owned(), seen })
}

fn of_dockerfiles(paths: &[&PathBuf], settings: Texts) -> anyhow::Result<Target> {
    let mut texts = settings;
    let mut given = BTreeMap::new();
    for path in paths {
        let (name, text) = dockerfile(path)?;
        if from_here(path).is_none() {
            given.insert(name.clone(), RepoPath::as_given(&path.to_string_lossy()));
        }
        texts.insert(name, text);
    }
    Ok(Target {
        revision: Revision::alone(texts),
        variables: Set::new(),
        given: Settings::default(),
        top: PathBuf::new(),
        seen: Seen::Given(given),
    })
}

fn of_stack_file(path: &Path, given: &Set, settings: &Texts) -> anyhow::Result<Target> {
    let (variables, of_contexts, files) = (given.clone(), given.clone(), [path.to_owned()]);
    let contexts = move |revision: &Revision| revision.contexts(&of_contexts);
    let wanted =
        move |revision: &Revision| [revision.wanted_with(&variables), lint::wanted(revision, &variables)].concat();
    let revision = super::super::block_on(async { Ok(named::look(&files, wanted, contexts).await?) })?;
    Ok(Target {
        revision,
        variables: given.clone(),
        given: Written::of(&Revision::alone(settings.clone())).settings,
        top: PathBuf::from("/"),
        seen: Seen::AsNamed,
    })
}

/// The settings in the working folder, which apply to single files.
fn settings_here() -> Texts {
    let read = |name: &&str| Some((name.parse().ok()?, std::fs::read(name).ok()?.into()));
    LINT_SETTINGS.iter().filter_map(read).collect()
}

fn dockerfile(path: &Path) -> anyhow::Result<(RepoPath, Arc<[u8]>)> {
    if path == Path::new(STANDARD_INPUT) {
        let mut text = Vec::new();
        std::io::stdin().take(MAX_TEXT + 1).read_to_end(&mut text).context("cannot read standard input")?;
        ensure_small(text.len() as u64, "standard input")?;
        return Ok((STANDARD_INPUT.parse()?, text.into()));
    }
    let doing = || format!("cannot read {}", path.display());
    ensure_small(path.metadata().with_context(doing)?.len(), &path.display().to_string())?;
    let name = from_here(path).or_else(|| below_root(path));
    let name = name.with_context(|| format!("cannot read {}: its path is not UTF-8", path.display()))?;
    Ok((name, std::fs::read(path).with_context(doing)?.into()))
}

/// An absolute path relative to the root of the file system.
fn below_root(path: &Path) -> Option<RepoPath> {
    let path = std::path::absolute(path).ok()?;
    RepoPath::root().join(&format!("./{}", path.to_str()?)).ok()
}

fn ensure_small(size: u64, what: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        size <= MAX_TEXT,
        "{what} is larger than {} MiB, and a Dockerfile is a few kilobytes",
        MAX_TEXT >> 20
    );
    Ok(())
}

/// A path below the working folder, relative to it.
fn from_here(path: &Path) -> Option<RepoPath> {
    let here = std::env::current_dir().ok()?;
    let inside = if path.is_absolute() { path.strip_prefix(&here).ok()? } else { path };
    RepoPath::root().join(inside.to_str()?).ok()
}

impl Target {
    pub(super) fn settings(&self) -> Settings {
        Written::of(&self.revision).settings.then(self.given.clone())
    }

    /// Removes the settings of the folder.
    pub(super) fn forget_settings(&mut self) {
        let paths: Vec<RepoPath> = self.revision.lint_settings().collect();
        self.revision.texts.retain(|path, _| !paths.contains(path));
        self.given = Settings::default();
    }

    /// The scripts for `ShellCheck`.
    pub(super) fn questions(&self) -> Vec<Question> {
        lint::questions(&self.revision, &self.variables, &self.given)
    }

    /// The findings, including `others`, with paths relative to the working folder.
    pub(super) fn findings(&self, mut others: Vec<Diagnostic>) -> Vec<Diagnostic> {
        others.extend(lint::unread(&self.revision, &self.variables, &self.settings()));
        let mut findings = lint::findings_with(&self.revision, &self.variables, &self.given, others);
        for finding in &mut findings {
            finding.place.path = self.shown(&finding.place.path);
        }
        findings
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (RepoPath, Arc<[u8]>)> {
        self.revision.texts.iter().map(|(path, text)| (self.shown(path), text.clone()))
    }

    pub(super) fn shown(&self, path: &RepoPath) -> RepoPath {
        match &self.seen {
            Seen::Below(above) if above.is_empty() => path.clone(),
            Seen::Below(above) if path.as_str().is_empty() => RepoPath::as_given(above),
            Seen::Below(above) => RepoPath::as_given(&format!("{}/{path}", above.trim_end_matches('/'))),
            Seen::AsNamed => self.revision.viewpoint().shown(path),
            Seen::Given(given) => given.get(path).unwrap_or(path).clone(),
        }
    }

    /// The name of the folder, the default name of its stack.
    pub(super) fn name(&self) -> String {
        let top = self.top.canonicalize().unwrap_or_default();
        top.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned()
    }

    /// The file that a text was read from; `None` for standard input.
    pub(super) fn on_disk(&self, path: &RepoPath) -> Option<PathBuf> {
        let file = match &self.seen {
            Seen::Given(given) => PathBuf::from(given.get(path).unwrap_or(path).as_str()),
            _ => self.top.join(path.as_str()),
        };
        (path.as_str() != STANDARD_INPUT).then_some(file)
    }
}
