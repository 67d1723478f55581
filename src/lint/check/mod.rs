//! The gate: a revision goes in, a checked revision or all that is wrong with it comes out.

mod parallel;
mod stack_file;
mod unset;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lint::dockerfile::Dockerfile;
use crate::lint::elsewhere::{self, Elsewhere};
use crate::lint::report::Texts;
use crate::lint::rule::{Check, Found, MAX_FOUND, MAX_LOOKED_AT, Mark, Rule};
use crate::lint::rules::dockerfile::copy_missing;
use crate::lint::rules::stack::no_stack_file;
use crate::lint::rules::{RULES, own};
use crate::lint::settings::{Settings, Written};
use crate::lint::shellcheck::{self, Question};
use crate::lint::subject::{Contexts, DockerfileSubject, Reading, StackSubject};
use crate::lint::suppress::{Comments, Remark};
use crate::lint::traefik::Picture;
use crate::lint::{Finding, Place, Severity, buildkit, shell, traefik};
use crate::mask;
use crate::name::{RepoPath, StackName};
use crate::revision::{Revision, StackSource};
use crate::stack::file::File;
use crate::stack::spans::Spans;
use crate::stack::template::Misfit;
use crate::stack::variables::Variables;
use crate::stack::yaml::Span;
use stack_file::{StackFile, Understood, Unread};

/// A revision without errors. Only [`check()`] makes one, and only such a revision can be built and deployed.
#[derive(Debug)]
pub struct Checked {
    revision: Revision,
    stacks: Vec<CheckedStack>,
    findings: Vec<Finding>,
}

impl Checked {
    /// The revision.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Its stack files, in the order of [`Revision::stack_files`]; at least one.
    pub fn stacks(&self) -> &[CheckedStack] {
        &self.stacks
    }

    /// Warnings and remarks.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// A stack file without errors.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedStack {
    /// Where it is, and what the stack is called.
    pub source: StackSource,
    /// What it says, and the files that say it.
    pub file: File,
}

/// Why a revision is not deployed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", crate::lint::report::summary(findings))]
pub struct Rejection {
    /// Everything that was found; at least one is an error.
    pub findings: Vec<Finding>,
    /// The texts that the findings point into.
    pub texts: Texts,
}

/// Asks every rule about every stack file and Dockerfile; `variables` are filled into the stack files.
pub fn check(revision: Revision, variables: &BTreeMap<String, String>) -> Result<Checked, Rejection> {
    let written = Written::of(&revision);
    let inspection = Inspection::within(MAX_DOCKERFILES, Vec::new(), &revision, variables, &written.settings);
    let mut findings = inspection.of_revision();
    findings.extend(inspection.of_files());
    // The shell says by itself what it does not understand.
    findings.iter_mut().for_each(let_docker(|rule| rule.id.starts_with("SC")));
    if revision.read_mode().as_written {
        findings.iter_mut().for_each(let_docker(|rule| rule.is(Mark::Deploys)));
    }
    let mut findings = inspection.told(findings, &written);
    inspection.insist_on_variables(&mut findings);
    if has_error(&findings) {
        return Err(Rejection { findings, texts: revision.texts });
    }
    let stacks = inspection.stacks.into_iter().filter_map(StackFile::checked).collect();
    Ok(Checked { revision, stacks, findings })
}

/// What every rule finds, in the order of the files. A revision of Dockerfiles alone needs no stack file. `given` goes before the
/// settings of the revision.
pub fn findings(revision: &Revision, variables: &BTreeMap<String, String>, given: &Settings) -> Vec<Finding> {
    findings_with(revision, variables, given, Vec::new())
}

/// The same, and what others found in its files: settings and comments count for that, too.
pub fn findings_with(
    revision: &Revision,
    variables: &BTreeMap<String, String>,
    given: &Settings,
    others: Vec<Finding>,
) -> Vec<Finding> {
    let mut written = Written::of(revision);
    written.settings = written.settings.then(given.clone());
    let inspection = Inspection::of(revision, variables, &written.settings);
    let mut findings = inspection.of_files();
    let has_others = inspection.stacks.iter().any(|stack| !stack.is_deployed);
    let needs_stack = inspection.dockerfiles.is_empty() && revision.named.is_none();
    let mut of_revision = inspection.of_revision();
    of_revision.retain(|finding| needs_stack || has_others || finding.rule != no_stack_file::ID);
    // Who keeps Compose files need not deploy any.
    let undeployed = of_revision.iter_mut().filter(|finding| has_others && finding.rule == no_stack_file::ID);
    undeployed.for_each(|finding| finding.severity = Severity::Warning);
    findings.extend(of_revision);
    findings.extend(others);
    inspection.told(findings, &written)
}

/// What `ShellCheck` is to be asked about the Dockerfiles of a revision.
pub fn questions(revision: &Revision, variables: &BTreeMap<String, String>, given: &Settings) -> Vec<Question> {
    let settings = Written::of(revision).settings.then(given.clone());
    let inspection = Inspection::of(revision, variables, &settings);
    let asked = inspection.dockerfiles.iter().filter(|(path, _)| !settings.ignores_all_of(path));
    asked.flat_map(|(path, file)| shellcheck::questions(path, &revision.texts[path], file)).collect()
}

/// Makes a warning of what a linter calls an error where Docker goes on all the same. What would run is no reason to keep
/// it from running.
fn let_docker(go_on: impl Fn(&Rule) -> bool) -> impl Fn(&mut Finding) {
    move |finding| {
        if finding.severity == Severity::Error && crate::lint::explain(finding.rule).is_some_and(&go_on) {
            finding.severity = Severity::Warning;
        }
    }
}

fn has_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.place.span.start, std::cmp::Reverse(finding.severity), finding.rule);
        a.place.path.cmp(&b.place.path).then_with(|| key(a).cmp(&key(b)))
    });
}

/// The files of a revision, read once for all rules.
pub(in crate::lint) struct Inspection<'a> {
    revision: &'a Revision,
    settings: &'a Settings,
    stacks: Vec<StackFile>,
    /// What they say about Traefik.
    traefik: Picture,
    /// The contexts of each Dockerfile that stack files name.
    contexts: BTreeMap<RepoPath, Vec<RepoPath>>,
    /// The Dockerfiles whose text was read: those that stack files name, and those that are called so.
    dockerfiles: BTreeMap<RepoPath, Dockerfile>,
    /// What the repository keeps elsewhere.
    elsewhere: Elsewhere,
    /// Where stack files have values that nobody knows.
    doubts: BTreeMap<RepoPath, Spans>,
    /// The most findings of a rule for one file that are looked at.
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
    fn within(
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

    fn of_revision(&self) -> Vec<Finding> {
        self.run(&RepoPath::root(), |rule| match rule.check {
            Check::Revision(check) => check(self.revision),
            _ => Vec::new(),
        })
    }

    fn of_files(&self) -> Vec<Finding> {
        let dockerfiles: Vec<_> = self.dockerfiles.iter().collect();
        let of_dockerfiles = parallel::each(&dockerfiles, |(path, file)| self.of_dockerfile(path, file));
        let of_stacks = parallel::each(&self.stacks, |stack| self.of_stack(stack));
        let each = of_stacks.into_iter().chain(of_dockerfiles).flatten();
        each.chain(self.of_all_stacks()).collect()
    }

    fn of_all_stacks(&self) -> Vec<Finding> {
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

    fn of_stack(&self, stack: &StackFile) -> Vec<Finding> {
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
    fn of_file(&self, stack: &StackFile, understood: &Understood) -> Vec<Finding> {
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
            Check::Stack(check) if rule.id == unset::ID => {
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

    fn of_dockerfile(&self, path: &RepoPath, file: &Dockerfile) -> Vec<Finding> {
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

    /// What a person is told of it: without what settings and comments switch off, in the order of the files, and with what
    /// is wrong with the settings and comments themselves.
    fn told(&self, mut findings: Vec<Finding>, written: &Written) -> Vec<Finding> {
        findings.retain(|finding| !self.is_ignored(finding));
        let mut by_file: BTreeMap<RepoPath, Vec<Finding>> = BTreeMap::new();
        for path in self.stacks.iter().map(|stack| &stack.source.path).chain(self.dockerfiles.keys()) {
            by_file.entry(path.clone()).or_default();
        }
        for finding in findings {
            by_file.entry(finding.place.path.clone()).or_default().push(finding);
        }
        let mut told = self.of_settings(written);
        told.extend(by_file.into_iter().flat_map(|(path, findings)| self.told_of(&path, findings)));
        sort(&mut told);
        // What several stacks use is looked at as often.
        told.dedup();
        told
    }

    fn is_ignored(&self, finding: &Finding) -> bool {
        let must_hold = crate::lint::explain(finding.rule).is_some_and(Rule::must_hold);
        let other = |stack: &StackFile| !stack.is_deployed && stack.source.path == finding.place.path;
        (!must_hold || self.stacks.iter().any(other)) && self.settings.ignores_id(&finding.place.path, finding.rule)
    }

    fn told_of(&self, path: &RepoPath, mut findings: Vec<Finding>) -> Vec<Finding> {
        let Some(mut comments) = self.comments(path) else { return few_of_each(path, findings) };
        if !self.settings.disable_ignore_pragma {
            comments.sift(&mut findings);
            self.dockerfiles.get(path).into_iter().for_each(|file| buildkit::heed(file, &mut findings));
            let understood = self.is_understood(path);
            let unused = if understood { comments.unused(self.settings) } else { Vec::new() };
            findings.extend(self.remarked(own::UNUSED, path, unused));
            findings.extend(self.remarked(own::UNKNOWN, path, comments.doubts()));
        }
        let used = comments.of_hadolint().map(|span| Remark {
            span: span.clone(),
            message: "a comment switches rules off".to_owned(),
            help: Some("switch them off in the settings, or do without".to_owned()),
        });
        findings.extend(self.remarked(own::IGNORE, path, used.collect()));
        few_of_each(path, findings)
    }

    fn comments(&self, path: &RepoPath) -> Option<Comments> {
        let text = self.revision.texts.get(path)?;
        Some(match self.dockerfiles.get(path) {
            Some(file) => Comments::of_dockerfile(text, file),
            None => Comments::of_yaml(text),
        })
    }

    /// Whether every rule could look at a file, so that one that found nothing has nothing to say.
    fn is_understood(&self, path: &RepoPath) -> bool {
        match self.dockerfiles.get(path) {
            Some(file) => file.problems.is_empty(),
            None => self.stacks.iter().any(|stack| stack.source.path == *path && stack.is_clear()),
        }
    }

    fn remarked(&self, rule: &'static Rule, path: &RepoPath, remarks: Vec<Remark>) -> Vec<Finding> {
        let Some(severity) = self.settings.severity(rule).filter(|_| !self.settings.ignores(path, rule)) else {
            return Vec::new();
        };
        let found = |Remark { span, message, help }| Found { help, ..Found::new(&span, message) };
        remarks.into_iter().map(|remark| finding(rule.id, severity, path, found(remark))).collect()
    }

    /// What is wrong with the settings.
    fn of_settings(&self, written: &Written) -> Vec<Finding> {
        let misfits = written.misfits.iter().map(|misfit| (own::SETTINGS, misfit));
        let doubts = written.doubts.iter().map(|misfit| (own::UNKNOWN, misfit));
        let told = |(rule, misfit): (&'static Rule, &Misfit)| {
            let severity = if rule.id == own::SETTINGS.id { Some(rule.severity) } else { self.settings.severity(rule) };
            Some(finding(rule.id, severity?, &misfit.path, Found::misfit(misfit.clone())))
        };
        misfits.chain(doubts).filter_map(told).collect()
    }

    /// What all rules that count find in one file.
    fn run(&self, path: &RepoPath, ask: impl Fn(&Rule) -> Vec<Found>) -> Vec<Finding> {
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

/// At most fifty findings of each rule for a file, and how many more there are.
fn few_of_each(path: &RepoPath, mut findings: Vec<Finding>) -> Vec<Finding> {
    let mut counts: BTreeMap<&'static str, (usize, Severity)> = BTreeMap::new();
    findings.retain(|finding| {
        let (count, worst) = counts.entry(finding.rule).or_insert((0, finding.severity));
        *count += 1;
        *worst = finding.severity.max(*worst);
        *count <= MAX_FOUND
    });
    let more = counts.into_iter().filter(|(_, (count, _))| *count > MAX_FOUND);
    findings.extend(more.map(|(rule, (count, severity))| {
        let message = match count - MAX_FOUND {
            // Some rules look no further than one behind those that are shown.
            1 => "more findings of this rule are not shown".to_owned(),
            more => format!("{more} more findings of this rule are not shown"),
        };
        finding(rule, severity, path, Found::new(&(0..0), message).help("mend those that are shown, and look again"))
    }));
    findings
}

pub(in crate::lint) fn finding(rule: &'static str, severity: Severity, path: &RepoPath, found: Found) -> Finding {
    let Found { path: other, span, message, help, fix, .. } = found;
    // What was written may be quoted in them.
    let (message, help) = (mask::message(&message).into_owned(), help.map(|help| mask::message(&help).into_owned()));
    Finding { rule, severity, place: Place { path: other.unwrap_or_else(|| path.clone()), span }, message, help, fix }
}

/// What the stack is called, as far as its files tell.
fn name<'a>(stack: &'a StackFile, file: &'a File) -> Option<&'a str> {
    let of_folder = stack.source.name.as_ref().map(StackName::as_str);
    of_folder.or(file.name.as_ref().map(|name| name.value.as_str()))
}

fn builds(stacks: &[StackFile]) -> impl Iterator<Item = &crate::stack::file::Build> {
    stacks.iter().filter_map(StackFile::file).flat_map(File::builds).map(|(_, build)| build)
}

/// The files that must still be read into [`Revision::texts`] beside what [`Revision::wanted_with`] says: Dockerfiles that
/// no stack file names, but that are called so, what may stay out of their contexts, what says which files are kept
/// elsewhere, Compose files that are not deployed, and settings that Traefik is bound to. Ten thousand of each at most; one
/// that settings ignore is not read.
pub fn wanted(revision: &Revision, variables: &BTreeMap<String, String>) -> Vec<RepoPath> {
    wanted_among(revision, variables, &|_| true)
}

/// The same, with those Compose files alone that are not deployed and that somebody asks about.
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

/// Whether a path is called as Dockerfiles are: `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`, `Containerfile`.
pub fn is_dockerfile(path: &RepoPath) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let (first, last) = (name.split('.').next().unwrap_or_default(), name.rsplit('.').next().unwrap_or_default());
    let is_one = |part: &str| ["Dockerfile", "Containerfile"].iter().any(|known| part.eq_ignore_ascii_case(known));
    (is_one(first) || is_one(last)) && last != "dockerignore"
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

/// The most findings of one rule for all files of a revision that are looked at, where there are few of them in each file.
const MAX_FINDINGS: usize = 20_000;

/// The most bytes that all Dockerfiles of a revision may have to be deployed: once read, they need many times as much.
const MAX_DOCKERFILES: usize = 4 << 20;

/// A Dockerfile that comes after too many others.
fn too_many() -> Dockerfile {
    let most = MAX_DOCKERFILES >> 20;
    let message = format!("it is not read: the Dockerfiles up to here have more than {most} MiB together");
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

#[cfg(test)]
mod growth_tests;
#[cfg(test)]
mod tests;
