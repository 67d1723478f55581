use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::apt_lists::kept_stages;
use crate::lint::rules::shell::commands::{at_name, first_in_each, kept_out, removes, removes_named, runs_later};
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `yarn` leaves downloaded packages in the image.
    ///
    /// A layer contains everything that exists at its end, including downloaded packages and the package index.
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
    /// RUN yarn install && rm -rf "$(yarn cache dir)"
    /// RUN --mount=type=cache,target=/home/node/.cache/yarn yarn install
    /// ```
    "DL3060", Info, Dockerfile(check)
}

/// The cache folders, which may be removed instead.
const FOLDERS: [&str; 2] = ["/usr/local/share/.cache/yarn", "/root/.cache/yarn"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let kept = kept_stages(subject.file);
    first_in_each(subject, |script, command| {
        let is_kept = script.instruction.on_build || kept.contains(&script.stage);
        command.is(&["yarn"]).then(|| command.behind(&["install"], &["--cwd"]))??;
        if !is_kept || is_cleaned(script, command) {
            return None;
        }
        Some(at_name(script, command, "downloaded packages stay in the image").help("add `&& yarn cache clean`"))
    })
}

fn is_cleaned(script: &Script<'_>, command: &Simple) -> bool {
    let is_removed = removes(script, &FOLDERS) || removes_named(script, "yarn ");
    runs_later(script, command, &[&["cache", "clean"]]) || is_removed || kept_out(script).into_iter().any(is_cache)
}

/// Whether a folder is the cache, inside of it, or a parent of it, in any home folder.
fn is_cache(folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    folder.ends_with("/.cache")
        || folder.contains(".cache/yarn")
        || folder.contains(".yarn/cache")
        || folder.ends_with("/.yarn")
}
