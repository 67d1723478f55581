use crate::lint::dockerfile::Dockerfile;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::scripts;
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A pipeline hides the failure of its first command.
    ///
    /// In `wget … | tar …` only the last command counts: if the download fails, the build continues with an incomplete file. With
    /// `-o pipefail` each command counts.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN wget -qO- https://example.com/data.tar | tar x
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN wget -qO- https://example.com/data.tar | tar x
    /// ```
    "DL4006", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    scripts(subject).filter(|script| !is_safe(script, subject.file)).filter_map(first).collect()
}

/// The first pipeline of a script.
fn first(script: &Script<'_>) -> Option<Found> {
    let pipeline = script.code.pipelines.iter().find(|pipeline| pipeline.commands.len() > 1)?;
    let message = "only a failure of the last command of this pipeline is noticed";
    let help = "put `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before it";
    Some(Found::new(&script.place(&pipeline.span), message).help(help))
}

/// Whether `pipefail` is set, by `SHELL` or at the start of the script.
fn is_safe(script: &Script<'_>, file: &Dockerfile) -> bool {
    let says_so = script.shell.options.iter().any(|option| option.split(' ').any(|word| word == "pipefail"));
    says_so && has_option(script, file) || script.commands().iter().take(3).any(sets_pipefail)
}

/// Whether the shell supports the option: Debian's `sh` does not, Busybox's does.
fn has_option(script: &Script<'_>, file: &Dockerfile) -> bool {
    let is_busybox = || {
        let image = file.stages().nth(script.stage).and_then(|stage| stage.image());
        image.is_some_and(|image| ["alpine", "busybox"].iter().any(|name| image.text.contains(name)))
    };
    match script.shell.name.as_str() {
        "sh" => is_busybox(),
        name => name != "dash",
    }
}

fn sets_pipefail(command: &Simple) -> bool {
    command.is(&["set"]) && command.has(&["pipefail"])
}
