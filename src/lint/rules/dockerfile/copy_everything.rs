use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `COPY --from` copies a whole file system.
    ///
    /// The image then contains everything that was only needed for the build, including caches and secrets, and its own
    /// files are overwritten.
    ///
    /// ```dockerfile bad
    /// FROM golang:1.23 AS build
    /// FROM scratch
    /// COPY --from=build / /
    /// ```
    ///
    /// ```dockerfile good
    /// FROM golang:1.23 AS build
    /// FROM scratch
    /// COPY --from=build /go/bin/shop /
    /// ```
    "DL3067", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let copies = subject.file.of(Keyword::Copy).filter(|copy| copy.flag("from").is_some());
    copies.filter_map(whole).collect()
}

fn whole(copy: &Instruction) -> Option<Found> {
    let (destination, sources) = copy.words().split_last()?;
    let source = sources.iter().find(|source| source.unquoted() == "/").filter(|_| destination.unquoted() == "/")?;
    Some(
        Found::new(&source.span, "the whole file system is copied")
            .help("copy only the files and folders that are needed"),
    )
}
