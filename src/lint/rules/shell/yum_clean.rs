use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each, has_mount, removes, runs_later};
use crate::lint::rules::shell::packages;
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `yum` leaves downloaded packages in the image.
    ///
    /// A layer contains everything that exists at its end, including downloaded packages and the package index.
    /// Removing them in a later `RUN` does not make the image smaller.
    ///
    /// ```dockerfile bad
    /// FROM rockylinux:9
    /// RUN yum install -y curl-7.76.1
    /// ```
    ///
    /// ```dockerfile good
    /// FROM rockylinux:9
    /// RUN yum install -y curl-7.76.1 && yum clean all
    /// ```
    "DL3032", Warning, Dockerfile(check)
}

/// The cache folders, which may be removed instead.
const FOLDERS: [&str; 1] = ["/var/cache/yum"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        if !packages::downloads(command, &["yum"], &["install"]) || is_cleaned(script, command) {
            return None;
        }
        Some(at_name(script, command, "downloaded packages stay in the image").help("add `&& yum clean all`"))
    })
}

fn is_cleaned(script: &Script<'_>, command: &Simple) -> bool {
    runs_later(script, command, &[&["clean", "all"]]) || removes(script, &FOLDERS) || has_mount(script, &FOLDERS)
}
