use super::workdir_relative::is_absolute;
use crate::lint::dockerfile::scope::Base;
use crate::lint::dockerfile::{Instruction, Keyword, Stage};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// The destination of `COPY` is relative without a `WORKDIR`.
    ///
    /// A relative destination is below the `WORKDIR`. Without one it is below that of the base image, which may change with
    /// its next version.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// COPY package.json .
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json .
    /// ```
    "DL3045", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let mut has_folder = Vec::new();
    let mut found = Vec::new();
    for stage in subject.file.stages() {
        let inherited = match subject.file.scopes.base(stage.index) {
            Base::Stage(base) => has_folder.get(base) == Some(&true),
            Base::Scratch | Base::Image => false,
        };
        if !inherited {
            found.extend(before_workdir(stage).filter_map(relative));
        }
        has_folder.push(inherited || stage.of(Keyword::Workdir).next().is_some());
    }
    found
}

fn before_workdir(stage: Stage<'_>) -> impl Iterator<Item = &'_ Instruction> {
    let end = stage.of(Keyword::Workdir).next().map_or(usize::MAX, |workdir| workdir.span.start);
    stage.of(Keyword::Copy).take_while(move |copy| copy.span.start < end)
}

fn relative(copy: &Instruction) -> Option<Found> {
    let destination = copy.words().last().filter(|_| copy.words().len() > 1)?;
    (!is_absolute(destination.unquoted())).then(|| {
        let message = format!("`{}` is relative, but no `WORKDIR` precedes it", text::cut(destination.unquoted()));
        Found::new(&destination.span, message).help("set the folder with `WORKDIR`, or use an absolute destination")
    })
}
