use crate::lint::dockerfile::{Dockerfile, Stage};
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each, has_mount, removes};
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;
use std::collections::BTreeSet;

rule! {
    /// `apt-get update` leaves the package lists in the image.
    ///
    /// They are large, and outdated when the image is used. A layer contains everything that exists at its end, so they must be removed
    /// in the same `RUN`. A stage from which files are only copied may keep them.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN apt-get update && apt-get install -y --no-install-recommends curl=8.5.0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN apt-get update && apt-get install -y --no-install-recommends curl=8.5.0 && rm -rf /var/lib/apt/lists/*
    /// WORKDIR /app
    /// RUN --mount=type=cache,target=/var/lib/apt/lists apt-get update
    /// WORKDIR /srv
    /// RUN apt-get update && apt-get install -y --no-install-recommends curl=8.5.0 && apt-get dist-clean
    /// ```
    "DL3009", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let kept = kept_stages(subject.file);
    first_in_each(subject, |script, command| {
        let is_kept = script.instruction.on_build || kept.contains(&script.stage);
        let updates = command.is(&["apt-get", "apt", "aptitude"]) && command.has(&["update"]);
        if !is_kept || !updates || is_removed(script) || is_cleaned(script, command) {
            return None;
        }
        let found = at_name(script, command, "the package lists stay in the image");
        Some(found.help("add `&& rm -rf /var/lib/apt/lists/*` at the end"))
    })
}

/// Whether apt itself removes them later with `dist-clean`, which exists since version 2.9; `clean` keeps them.
fn is_cleaned(script: &Script<'_>, before: &Simple) -> bool {
    let later = script.commands().iter().filter(|command| command.span.start > before.span.start);
    later.filter(|command| command.is(&["apt-get", "apt"])).any(|command| command.has(&["dist-clean", "distclean"]))
}

fn is_removed(script: &Script<'_>) -> bool {
    let is_mounted = has_mount(script, &["/var/lib/apt/lists"])
        || has_mount(script, &["/var/lib/apt"]) && has_mount(script, &["/var/cache/apt"]);
    is_mounted || removes(script, &["/var/lib/apt/lists"])
}

/// The stages that become part of an image: the last one, and those that others are based on.
pub(super) fn kept_stages(file: &Dockerfile) -> BTreeSet<usize> {
    let stages: Vec<Stage<'_>> = file.stages().collect();
    let image = |stage: &Stage<'_>| stage.image().map(|word| word.text.to_ascii_lowercase());
    let images: BTreeSet<String> = stages.iter().filter_map(image).collect();
    let bases: BTreeSet<usize> = stages.iter().filter_map(|stage| file.scopes.base(stage.index).stage()).collect();
    let is_base = |stage: &Stage<'_>| {
        // The base of a stage may be another stage by the default of an argument.
        bases.contains(&stage.index)
            || stage.name().is_some_and(|name| images.contains(&name.text.to_ascii_lowercase()))
            || images.contains(&stage.index.to_string())
    };
    let last = stages.len().saturating_sub(1);
    stages
        .iter()
        .filter(|stage| stage.index == last || stage.name().is_none() || is_base(stage))
        .map(|stage| stage.index)
        .collect()
}
