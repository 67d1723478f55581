use crate::lint::dockerfile::Word;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::dockerfile::copy_missing::{inside, sources, takes_from_context};
use crate::lint::subject::{Contexts, DockerfileSubject};
use crate::lint::suggest;
use crate::name::RepoPath;
use crate::revision::EntryKind;
use crate::stack::ignore::Ignore;
use crate::stack::recipe::ignore_files;

rule! {
    /// A file that `COPY` or `ADD` takes is kept out of the build context by `.dockerignore`.
    ///
    /// The builder does not get it, and the build fails, as if the file were not there at all. Of a folder, something must be left.
    /// Patterns, variables and addresses are not looked at. BuildKit: `CopyIgnoredFile`.
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

/// The most files of a folder that are looked at.
const MAX_FILES: usize = 10_000;

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let contexts = contexts(subject);
    let instructions = subject.file.instructions.iter().filter(|instruction| takes_from_context(instruction));
    let sources = instructions.flat_map(sources);
    sources.filter_map(|source| ignored(source, &contexts, subject)).collect()
}

/// A folder that the file is built in, and what stays out of it.
struct Context<'a> {
    folder: &'a RepoPath,
    file: RepoPath,
    ignore: Ignore,
}

/// The contexts that have a file which keeps something out. One with a bad line keeps nothing from the linter.
fn contexts<'a>(subject: &DockerfileSubject<'a>) -> Vec<Option<Context<'a>>> {
    let (Contexts::Known(folders) | Contexts::Likely(folders)) = subject.contexts;
    folders.iter().map(|folder| context(folder, subject)).collect()
}

fn context<'a>(folder: &'a RepoPath, subject: &DockerfileSubject<'_>) -> Option<Context<'a>> {
    let files = ignore_files(subject.path, folder);
    let file = files.into_iter().find(|path| subject.revision.entries.contains_key(path))?;
    let text = subject.revision.texts.get(&file)?;
    let ignore = Ignore::read(std::str::from_utf8(text).ok()?).ok()?;
    Some(Context { folder, file, ignore })
}

/// Where the contexts are known, one in which it stays out is enough; else it must stay out of each in which it is.
fn ignored(source: &Word, contexts: &[Option<Context<'_>>], subject: &DockerfileSubject<'_>) -> Option<Found> {
    let path = inside(&source.text).filter(|path| !path.as_str().is_empty())?;
    let kept_out =
        |context: &&Option<Context<'_>>| context.as_ref().is_some_and(|context| context.keeps_out(&path, subject));
    let mut out = contexts.iter().filter(kept_out);
    let context = out.next()?.as_ref()?;
    let is_sure = match subject.contexts {
        Contexts::Known(_) => true,
        Contexts::Likely(folders) => {
            folders.iter().filter(|folder| is_in(folder, &path, subject)).count() == 1 + out.count()
        }
    };
    let message = format!("`{}` stays out of the build context", suggest::cut(&source.text));
    is_sure.then(|| Found::new(&source.span, message).help(format!("`{}` keeps it out", context.file)))
}

fn is_in(folder: &RepoPath, path: &RepoPath, subject: &DockerfileSubject<'_>) -> bool {
    folder.join(path.as_str()).is_ok_and(|full| below(&full, subject).next().is_some())
}

/// The files that a path names: itself, or those below it.
fn below<'a>(path: &'a RepoPath, subject: &'a DockerfileSubject<'_>) -> impl Iterator<Item = &'a RepoPath> {
    let from = subject.revision.entries.range(path.clone()..).map(|(other, _)| other);
    let is_here = move |other: &&RepoPath| *other == path || other.below(path).is_some();
    from.take_while(|other| other.as_str().starts_with(path.as_str())).filter(is_here).take(MAX_FILES)
}

impl Context<'_> {
    /// Whether nothing of it is left. What a link or a submodule holds is not known.
    fn keeps_out(&self, path: &RepoPath, subject: &DockerfileSubject<'_>) -> bool {
        let Ok(full) = self.folder.join(path.as_str()) else { return false };
        let mut files = below(&full, subject).peekable();
        let stays_out = |file: &RepoPath| {
            let is_known = !matches!(subject.revision.entries[file].kind, EntryKind::Symlink | EntryKind::Submodule);
            is_known && file.below(self.folder).is_some_and(|inside| self.ignore.ignores(inside))
        };
        files.peek().is_some() && files.all(stays_out)
    }
}
