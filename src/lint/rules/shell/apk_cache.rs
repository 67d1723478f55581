use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each, has_mount};
use crate::lint::rules::shell::packages;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `apk add` leaves the package index in the image.
    ///
    /// `--no-cache` reads the index without storing it, so neither `apk update` nor removing `/var/cache/apk` is
    /// needed.
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// RUN apk add curl=8.5.0-r0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM alpine:3.20
    /// RUN apk add --no-cache curl=8.5.0-r0
    /// COPY . /app
    /// RUN --mount=type=cache,target=/var/cache/apk apk add git=2.45.2-r0
    /// ```
    "DL3019", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        packages::apk(command)?;
        if command.has_long("no-cache") || has_mount(script, &["/var/cache/apk", "/etc/apk/cache"]) {
            return None;
        }
        Some(at_name(script, command, "the package index stays in the image").help("add `--no-cache`"))
    })
}
