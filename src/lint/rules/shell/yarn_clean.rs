use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each, has_mount, removes, runs};
use crate::lint::shell::Script;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `yarn` leaves what it downloaded in the image.
    ///
    /// A layer holds what was there at its end: packages that were downloaded, and the index of all that there are.
    /// Removing them in a later `RUN` does not make the image smaller.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// RUN yarn install --frozen-lockfile
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// RUN yarn install --frozen-lockfile && yarn cache clean
    /// ```
    "DL3060", Info, Dockerfile(check)
}

/// The folders that are removed instead.
const FOLDERS: [&str; 2] = ["/usr/local/share/.cache/yarn", "/root/.cache/yarn"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        command.is(&["yarn"]).then(|| command.behind(&["install"], &["--cwd"]))??;
        if is_cleaned(script, command.name()) {
            return None;
        }
        Some(at_name(script, command, "what was downloaded stays in the image").help("add `&& yarn cache clean`"))
    })
}

fn is_cleaned(script: &Script<'_>, program: &str) -> bool {
    runs(script, program, &[&["cache", "clean"]]) || removes(script, &FOLDERS) || has_mount(script, &FOLDERS)
}
