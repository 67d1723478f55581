use crate::lint::dockerfile::Stage;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `FROM --platform` is constant.
    ///
    /// The image then contains programs for that platform, whatever the target of the build: elsewhere it does not run, or runs
    /// slowly. A stage whose name contains the platform (`build-amd64`) is not reported. BuildKit: `FromPlatformFlagConstDisallowed`.
    ///
    /// ```dockerfile bad
    /// FROM --platform=linux/amd64 node:22
    /// ```
    ///
    /// ```dockerfile good
    /// FROM --platform=$BUILDPLATFORM node:22 AS build
    /// FROM --platform=linux/arm64 node:22 AS for-arm64
    /// ```
    "DL3029", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.file.stages().filter_map(constant).collect()
}

fn constant(stage: Stage<'_>) -> Option<Found> {
    let platform = stage.from()?.flag("platform")?.value.as_ref()?;
    let name = stage.name().map(|name| name.text.to_ascii_lowercase()).unwrap_or_default();
    let mut parts = platform.unquoted().split('/').take(2);
    let is_meant = parts.any(|part| !part.is_empty() && name.contains(part));
    (!platform.text.contains('$') && !is_meant).then(|| {
        Found::new(&platform.span, format!("the platform is always `{}`", text::cut(platform.unquoted())))
            .help("remove `--platform`, or use `$BUILDPLATFORM` for a stage that only builds")
    })
}
