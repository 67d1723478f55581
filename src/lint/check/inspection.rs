//! The files of a revision, read once for all rules, and what each rule finds in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, Severity, Span};
use crate::lint::check::stack_file::{StackFile, Understood, Unread};
use crate::lint::check::wanted::is_dockerfile;
use crate::lint::check::{finding, parallel};
use crate::lint::dockerfile::Dockerfile;
use crate::lint::elsewhere::Elsewhere;
use crate::lint::rule::{Check, Found, MAX_FOUND, MAX_LOOKED_AT, Mark, Rule};
use crate::lint::rules::RULES;
use crate::lint::rules::dockerfile::copy_missing;
use crate::lint::settings::Settings;
use crate::lint::shell;
use crate::lint::subject::{Contexts, DockerfileSubject, Reading, StackSubject};
use crate::lint::traefik::Picture;
use crate::name::{RepoPath, StackName};
use crate::revision::{Revision, StackSource};
use crate::stack::file::File;
use crate::stack::spans::Spans;
use crate::stack::variables::Variables;

/// The files of a revision, read once for all rules.
pub(in crate::lint) struct Inspection<'a> {
    pub(super) revision: &'a Revision,
    pub(super) settings: &'a Settings,
    pub(super) stacks: Vec<StackFile>,
    /// What they say about Traefik.
    traefik: Picture,
    /// The contexts of each Dockerfile that stack files name.
    contexts: BTreeMap<RepoPath, Vec<RepoPath>>,
    /// The Dockerfiles whose text was read: those that stack files name, and those that are called so.
    pub(super) dockerfiles: BTreeMap<RepoPath, Dockerfile>,
    /// What the repository keeps elsewhere.
    elsewhere: Elsewhere,
    /// Where stack files have values that nobody knows.
    doubts: BTreeMap<RepoPath, Spans>,
    /// The most findings of a rule for one file that are processed.
    looked_at: usize,
}

impl<'a> Inspection<'a> {
    pub(in crate::lint) fn of(
        revision: &'a Revision,
        variables: &BTreeMap<String, String>,
        settings: &'a Settings,
    ) -> Self {
        Self::within(usize::MAX, revision.other_files(), revision, variables, settings)
    }

    /// The same, with Dockerfiles of at most so many bytes together, and with these files beside those that are deployed.
    pub(super) fn within(
        most: usize,
        others: Vec<StackSource>,
        revision: &'a Revision,
        variables: &BTreeMap<String, String>,
        settings: &'a Settings,
    ) -> Self {
        let mut values = 0;
        // All files share them.
        let variables = Variables::from(variables);
        let mut read = |source| StackFile::of(revision, source, &variables, &mut values);
        let deployed: Vec<StackFile> = revision.stack_files().into_iter().map(&mut read).collect();
        let others: Vec<StackFile> = others.into_iter().map(read).map(StackFile::not_deployed).collect();
        let stacks = without_parts(deployed, others);
        let contexts = contexts(&stacks);
        let is_alone =
            |path: &RepoPath| revision.is_alone() && revision.lint_settings().all(|settings| settings != *path);
        let is_one = |path: &RepoPath| contexts.contains_key(path) || is_dockerfile(path) || is_alone(path);
        let texts = revision.texts.iter().filter(|(path, _)| is_one(path));
        let mut bytes = 0;
        let texts: Vec<_> = texts
            .map(|(path, text)| {
                bytes += text.len();
                (path, Some(text).filter(|_| bytes <= most))
            })
            .collect();
        let read = |text: &Arc<[u8]>| Dockerfile::parse(text);
        let parsed = parallel::each(&texts, |(path, text)| ((*path).clone(), text.map_or_else(too_many, read)));
        let dockerfiles: BTreeMap<_, _> = parsed.into_iter().collect();
        let files = (stacks.len() + dockerfiles.len()).max(1);
        let looked_at = (MAX_FINDINGS / files).clamp(MAX_FOUND, MAX_LOOKED_AT);
        let understood = stacks.iter().filter(|stack| stack.is_deployed);
        let understood = understood.filter_map(|stack| Some((name(stack, stack.file()?), stack.file()?)));
        let traefik = Picture::of(understood, revision);
        let elsewhere = Elsewhere::of(revision);
        let doubts = doubts(&stacks);
        Self { revision, settings, stacks, traefik, contexts, dockerfiles, elsewhere, doubts, looked_at }
    }

    pub(super) fn of_revision(&self) -> Vec<Diagnostic> {
        self.run(&RepoPath::root(), |rule| match rule.check {
            Check::Revision(check) => check(self.revision),
            _ => Vec::new(),
        })
    }

    pub(super) fn of_files(&self) -> Vec<Diagnostic> {
        let dockerfiles: Vec<_> = self.dockerfiles.iter().collect();
        let of_dockerfiles = parallel::each(&dockerfiles, |(path, file)| self.of_dockerfile(path, file));
        let of_stacks = parallel::each(&self.stacks, |stack| self.of_stack(stack));
        let each = of_stacks.into_iter().chain(of_dockerfiles).flatten();
        each.chain(self.of_all_stacks()).collect()
    }

    fn of_all_stacks(&self) -> Vec<Diagnostic> {
        let deployed = self.stacks.iter().filter(|stack| stack.is_deployed);
        let understood = deployed.filter_map(|stack| Some(self.subject(stack, stack.file()?, &self.traefik)));
        let subjects: Vec<StackSubject<'_>> = understood.collect();
        let mut findings = self.run(&RepoPath::root(), |rule| match rule.check {
            Check::Stacks(check) => check(&subjects),
            _ => Vec::new(),
        });
        findings.retain(|finding| !self.is_doubtful(&finding.place));
        findings
    }

    /// Whether nobody knows the value at a place.
    fn is_doubtful(&self, Place { path, span }: &Place) -> bool {
        *span != (0..0) && self.doubts.get(path).is_some_and(|doubts| doubts.touch(span))
    }

    fn subject<'s>(&'s self, stack: &'s StackFile, file: &'s File, traefik: &'s Picture) -> StackSubject<'s> {
        StackSubject {
            file,
            name: name(stack, file),
            dockerfiles: &self.dockerfiles,
            traefik,
            revision: self.revision,
            elsewhere: &self.elsewhere,
            settings: self.settings,
        }
    }

    fn of_stack(&self, stack: &StackFile) -> Vec<Diagnostic> {
        let reading = match &stack.read {
            Err(Unread::TooLarge) => Reading::TooLarge,
            Err(Unread::TooMany) => Reading::TooMany,
            Err(Unread::Template(misfits)) => Reading::Template(misfits),
            Ok(Understood { misfits, .. }) | Err(Unread::Problems(misfits)) => Reading::Problems(misfits),
        };
        let mut findings = self.run(&stack.source.path, |rule| match rule.check {
            Check::Reading(check) => check(&reading),
            _ => Vec::new(),
        });
        if let Ok(understood) = &stack.read {
            findings.extend(self.of_file(stack, understood));
        }
        findings
    }

    /// What rules find in what is understood of a file.
    fn of_file(&self, stack: &StackFile, understood: &Understood) -> Vec<Diagnostic> {
        let file = &understood.file;
        // What is not deployed has nothing to do with the others.
        let own = (!stack.is_deployed).then(|| Picture::of(std::iter::once((None, file)), self.revision));
        let subject = self.subject(stack, file, own.as_ref().unwrap_or(&self.traefik));
        let is_part = stack.is_part();
        let placed = |rule: &Rule, found: Vec<Found>| {
            let asked = !(is_part && rule.is(Mark::Whole));
            let found = found.into_iter().filter(|_| asked);
            let sure = found.filter(|found| !understood.is_doubtful(rule, found));
            sure.map(|found| found.placed(&file.sources)).collect()
        };
        let mut findings = self.run(&stack.source.path, |rule| match rule.check {
            Check::Stack(check) if rule.is(Mark::Unknown) => {
                check(&subject).into_iter().map(|found| found.placed(&file.sources)).collect()
            }
            Check::Stack(check) => placed(rule, check(&subject)),
            _ => Vec::new(),
        });
        let wrong = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let said = by_file(wrong.map(|finding| (finding.place.path.clone(), finding.place.span.clone())));
        let is_said = |Place { path, span }: &Place| said.get(path).is_some_and(|said| said.touch(span));
        let last = self.run(&stack.source.path, |rule| match rule.check {
            Check::Last(check) => placed(rule, check(&subject)),
            _ => Vec::new(),
        });
        findings.extend(last.into_iter().filter(|finding| !is_said(&finding.place)));
        // The others say for themselves what is wrong with the files that they are laid over.
        findings.retain(|finding| stack.is_deployed || finding.place.path == stack.source.path);
        findings
    }

    fn of_dockerfile(&self, path: &RepoPath, file: &Dockerfile) -> Vec<Diagnostic> {
        self.with_dockerfile(path, file, |subject| {
            self.run(path, |rule| match rule.check {
                Check::Dockerfile(check) => check(subject),
                _ => Vec::new(),
            })
        })
    }

    fn with_dockerfile<T>(
        &self,
        path: &RepoPath,
        file: &Dockerfile,
        ask: impl FnOnce(&DockerfileSubject<'_>) -> T,
    ) -> T {
        let contexts = match self.contexts.get(path) {
            Some(known) => Contexts::Known(known.clone()),
            None if self.revision.is_alone() => Contexts::Likely(Vec::new()),
            None => Contexts::Likely(folders_above(path)),
        };
        let scripts = shell::scripts(self.revision.texts.get(path).map_or(&[][..], AsRef::as_ref), file);
        ask(&DockerfileSubject {
            path,
            file,
            scripts: &scripts,
            contexts: &contexts,
            revision: self.revision,
            elsewhere: &self.elsewhere,
            settings: self.settings,
        })
    }

    /// Where Dockerfiles copy one of these files that are gone.
    pub(in crate::lint) fn copies_of(&self, gone: &BTreeSet<&RepoPath>) -> BTreeSet<(RepoPath, usize)> {
        let of_file = |(path, file): (&RepoPath, &Dockerfile)| {
            let places = self.with_dockerfile(path, file, |subject| copy_missing::copies_of(gone, subject));
            places.into_iter().map(|place| (path.clone(), place)).collect::<Vec<_>>()
        };
        self.dockerfiles.iter().flat_map(of_file).collect()
    }

    /// What all rules that count find in one file.
    fn run(&self, path: &RepoPath, ask: impl Fn(&Rule) -> Vec<Found>) -> Vec<Diagnostic> {
        let asked = RULES.iter().filter_map(|rule| Some((rule, self.settings.severity(rule)?)));
        asked
            .flat_map(|(rule, severity)| {
                let found = ask(rule).into_iter().take(self.looked_at);
                // What settings say about the severity comes before what a finding says of itself.
                let own = move |found: &Found| found.severity.filter(|_| severity == rule.severity).unwrap_or(severity);
                found.map(move |found| finding(rule.id, own(&found), path, found))
            })
            .collect()
    }
}

/// Deployed files, and those of the others that none of them, and no other one, is made from.
fn without_parts(deployed: Vec<StackFile>, others: Vec<StackFile>) -> Vec<StackFile> {
    let parts: BTreeSet<RepoPath> = deployed.iter().chain(&others).flat_map(StackFile::parts).cloned().collect();
    let others = others.into_iter().filter(|stack| !parts.contains(&stack.source.path));
    deployed.into_iter().chain(others).collect()
}

/// Where stack files have values that nobody knows.
fn doubts(stacks: &[StackFile]) -> BTreeMap<RepoPath, Spans> {
    by_file(stacks.iter().filter_map(|stack| stack.read.as_ref().ok()).flat_map(Understood::doubts))
}

fn by_file(places: impl Iterator<Item = (RepoPath, Span)>) -> BTreeMap<RepoPath, Spans> {
    let mut by_file: BTreeMap<RepoPath, Vec<Span>> = BTreeMap::new();
    for (path, span) in places {
        by_file.entry(path).or_default().push(span);
    }
    by_file.into_iter().map(|(path, spans)| (path, spans.into_iter().collect())).collect()
}

/// What the stack is called, as far as its files tell.
fn name<'a>(stack: &'a StackFile, file: &'a File) -> Option<&'a str> {
    let of_folder = stack.source.name.as_ref().map(StackName::as_str);
    of_folder.or(file.name.as_ref().map(|name| name.value.as_str()))
}

fn builds(stacks: &[StackFile]) -> impl Iterator<Item = &crate::stack::file::Build> {
    stacks.iter().filter_map(StackFile::file).flat_map(File::builds).map(|(_, build)| build)
}

/// The most folders that one Dockerfile is looked at in.
const MAX_CONTEXTS: usize = 16;

/// The contexts of each Dockerfile that stack files name.
fn contexts(stacks: &[StackFile]) -> BTreeMap<RepoPath, Vec<RepoPath>> {
    let mut contexts: BTreeMap<RepoPath, Vec<RepoPath>> = BTreeMap::new();
    for build in builds(stacks) {
        let known = contexts.entry(build.dockerfile.value.clone()).or_default();
        if known.len() < MAX_CONTEXTS && !known.contains(&build.context.value) {
            known.push(build.context.value.clone());
        }
    }
    contexts
}

/// The most findings of one rule for all files of a revision that are looked at, where there are few of them in each
/// file.
const MAX_FINDINGS: usize = 20_000;

/// The most bytes that all Dockerfiles of a revision may have to be deployed: once read, they need many times as much.
pub(super) const MAX_DOCKERFILES: usize = 4 << 20;

/// A Dockerfile that comes after too many others.
fn too_many() -> Dockerfile {
    let most = MAX_DOCKERFILES >> 20;
    let message = format!("it was not read: the Dockerfiles up to here have more than {most} MiB together");
    Dockerfile::unread(message, "make them smaller, or move some of the stacks to another repository".to_owned())
}

/// The folder of a path and those above it, the top of the repository last.
fn folders_above(path: &RepoPath) -> Vec<RepoPath> {
    let above = |folder: &RepoPath| (!folder.as_str().is_empty()).then(|| folder.parent());
    let mut folders: Vec<RepoPath> = std::iter::successors(Some(path.parent()), above).take(MAX_CONTEXTS).collect();
    folders.push(RepoPath::root());
    folders.dedup();
    folders
}
