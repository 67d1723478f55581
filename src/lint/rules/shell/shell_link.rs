use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, first_in_each};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `/bin/sh` is replaced by a link.
    ///
    /// Use `SHELL` to select the shell for commands. A link changes it for all programs of the image, without Docker
    /// knowing.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN ln -sf /bin/bash /bin/sh
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-c"]
    /// ```
    "DL4005", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        let target = command.is(&["ln"]).then(|| command.operands(&[]).pop())??;
        let found = || at(script, target, "this replaces the shell of the whole image");
        (target.text == "/bin/sh").then(|| found().help("use `SHELL [\"/bin/bash\", \"-c\"]` instead"))
    })
}
