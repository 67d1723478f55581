use crate::diagnostic::Fix;
use crate::lint::dockerfile::{Stage, variable};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `FROM --platform=$TARGETPLATFORM` is the default.
    ///
    /// Without `--platform` a stage is built for the target. BuildKit: `RedundantTargetPlatform`.
    ///
    /// ```dockerfile bad
    /// FROM --platform=$TARGETPLATFORM node:22
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ```
    "DL3065", Warning, Dockerfile(check), Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.stages().filter_map(|stage| redundant(stage, subject.file.escape)).collect()
}

fn redundant(stage: Stage<'_>, escape: char) -> Option<Found> {
    let flag = stage.from()?.flag("platform")?;
    let platform = flag.value.as_ref()?;
    let variables = variable::variables(platform.unquoted(), escape);
    let [only] = &variables[..] else { return None };
    let is_all = only.name == "TARGETPLATFORM" && only.range == (0..platform.unquoted().len());
    let rest = &stage.image()?.span;
    is_all.then(|| {
        Found::new(&flag.span, "this is the default platform")
            .help("remove it")
            .fix(Fix::safe("remove `--platform`").delete(&(flag.span.start..rest.start)))
    })
}
