use crate::lint::dockerfile::Stage;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `FROM --platform` is always the same.
    ///
    /// The image then has programs for that platform, whatever is built for: it does not run elsewhere, or slowly. A stage
    /// whose name says so (`build-amd64`) is meant to. BuildKit: `FromPlatformFlagConstDisallowed`.
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
            .help("leave `--platform` out, or write `$BUILDPLATFORM` for a stage that only builds")
    })
}
