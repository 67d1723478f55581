use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each, has_mount, removes, runs_later};
use crate::lint::rules::shell::packages;
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `zypper` leaves what it downloaded in the image.
    ///
    /// A layer contains everything that exists at its end, including downloaded packages and the package index.
    /// Removing them in a later `RUN` does not make the image smaller.
    ///
    /// ```dockerfile bad
    /// FROM opensuse/leap:15.6
    /// RUN zypper install -y curl=8.5.0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM opensuse/leap:15.6
    /// RUN zypper install -y curl=8.5.0 && zypper clean
    /// ```
    "DL3036", Warning, Dockerfile(check)
}

/// The cache folders, which may be removed instead.
const FOLDERS: [&str; 1] = ["/var/cache/zypp"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        packages::zypper(command)?;
        if is_cleaned(script, command) {
            return None;
        }
        Some(at_name(script, command, "downloaded packages stay in the image").help("add `&& zypper clean`"))
    })
}

fn is_cleaned(script: &Script<'_>, command: &Simple) -> bool {
    runs_later(script, command, &[&["clean"], &["cc"]]) || removes(script, &FOLDERS) || has_mount(script, &FOLDERS)
}
