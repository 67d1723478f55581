use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// An instruction contains a blank line.
    ///
    /// Docker ignores it, but warns that a later version will not. Use a line with `#` alone instead. BuildKit:
    /// `NoEmptyContinuation`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// RUN npm ci && \
    ///
    ///     npm run build
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// RUN npm ci && \
    ///     # then
    ///     npm run build
    /// ```
    "SK5013", Warning, Dockerfile(check), Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let blanks = subject.file.blanks.iter();
    blanks
        .map(|line| {
            Found::new(&(line.start..line.start), "this line is blank, but the instruction continues")
                .help("remove the blank line")
                .fix(Fix::safe("remove the blank line").delete(line))
        })
        .collect()
}
