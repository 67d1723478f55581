use crate::lint::dockerfile::{Instruction, Keyword, Stage};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `COPY` copies several files to a destination without `/`.
    ///
    /// Without a `/` at the end, the destination may be taken for a file, which each source overwrites in turn;
    /// older builders refuse it.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// COPY package.json package-lock.json /app
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// COPY package.json package-lock.json /app/
    /// ```
    "DL3021", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let copies = subject.file.stages().flat_map(|stage| stage.of(Keyword::Copy).map(move |copy| (stage, copy)));
    copies.filter_map(|(stage, copy)| no_folder(stage, copy, subject)).collect()
}

fn no_folder(stage: Stage<'_>, copy: &Instruction, subject: &DockerfileSubject<'_>) -> Option<Found> {
    let [_, _, .., destination] = copy.words() else { return None };
    let known = subject.file.scopes.by_default(stage.index, copy.span.start, &destination.text);
    let folder = known.as_deref().unwrap_or_else(|| destination.unquoted());
    let is_open = known.is_none() && folder.ends_with('}');
    if folder.ends_with(['/', '\\']) || folder == "." || is_open {
        return None;
    }
    let name = text::cut(destination.unquoted());
    let found =
        Found::new(&destination.span, format!("several files are copied to `{name}`, which does not end in `/`"));
    Some(found.help(format!("write `{name}/`")))
}
