use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Ignored;

rule! {
    /// A service has neither `image` nor `build`.
    ///
    /// There is nothing for it to run.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { command: serve }
    /// ```
    ///
    /// ```yaml good with web/Dockerfile
    /// services:
    ///   web: { build: ./web }
    ///   db: { image: "postgres:17" }
    /// ```
    "SK1005", Error, Stack(check), Holds, Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services =
        subject.file.services.iter().filter(|(_, service)| service.image.is_none() && service.build.is_none());
    services
        .map(|(name, service)| {
            if subject.file.read_mode.as_written {
                return Found::new(&service.span, format!("the service `{name}` has no `image`"))
                    .help("with --as-written nothing is built: build and push the image, and name it in `image`");
            }
            if let Some(build) = unbuilt(name.as_str(), subject) {
                return Found::new(
                    &service.span,
                    format!("the service `{name}` has no `image`, and its `build` is ignored"),
                )
                .help(build.instead);
            }
            Found::new(&service.span, format!("the service `{name}` has neither `image` nor `build`"))
                .help("add `image: name:version`, or `build: ./folder` for a folder with a Dockerfile")
        })
        .collect()
}

/// The ignored `build` of a service.
fn unbuilt<'a>(name: &str, subject: &'a StackSubject<'_>) -> Option<&'a Ignored> {
    let build = subject.file.tree.at(&["services", name, "build"])?;
    subject.file.ignored.iter().find(|ignored| ignored.key == "build" && ignored.span == build.span)
}
