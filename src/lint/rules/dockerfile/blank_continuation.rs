use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A blank line stands inside of an instruction.
    ///
    /// Docker passes over it, but says that it will not for ever. A line with `#` alone may stand there instead. BuildKit:
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
            Found::new(&(line.start..line.start), "the line before goes on, and this line is blank")
                .help("take the blank line out")
                .fix(Fix::safe("take the blank line out").delete(line))
        })
        .collect()
}
