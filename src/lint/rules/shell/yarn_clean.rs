use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::apt_lists::kept_stages;
use crate::lint::rules::shell::commands::{at_name, first_in_each, has_mount, removes, runs_later};
use crate::lint::shell::{Script, Simple};
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
    let kept = kept_stages(subject.file);
    first_in_each(subject, |script, command| {
        let is_kept = script.instruction.on_build || kept.contains(&script.stage);
        command.is(&["yarn"]).then(|| command.behind(&["install"], &["--cwd"]))??;
        if !is_kept || is_cleaned(script, command) {
            return None;
        }
        Some(at_name(script, command, "what was downloaded stays in the image").help("add `&& yarn cache clean`"))
    })
}

fn is_cleaned(script: &Script<'_>, command: &Simple) -> bool {
    runs_later(script, command, &[&["cache", "clean"]]) || removes(script, &FOLDERS) || has_mount(script, &FOLDERS)
}
