use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// An instruction precedes the first `FROM`.
    ///
    /// Only `ARG` is allowed there, because there is no image yet that an instruction could change. The build fails.
    ///
    /// ```dockerfile bad
    /// ENV LANG=C.UTF-8
    /// FROM alpine:3.20
    /// ```
    ///
    /// ```dockerfile good
    /// ARG VERSION=3.20
    /// FROM alpine:${VERSION}
    /// ENV LANG=C.UTF-8
    /// ```
    "DL3061", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    if !subject.file.problems.is_empty() {
        return Vec::new(); // the first `FROM` may be the one that was not understood
    }
    let early = subject
        .file
        .preamble()
        .iter()
        .filter(|instruction| instruction.keyword != Keyword::Arg || instruction.on_build);
    early
        .map(|instruction| {
            Found::new(&instruction.keyword_span, format!("`{}` precedes the first `FROM`", instruction.keyword))
                .help("move it after the `FROM`")
        })
        .collect()
}
