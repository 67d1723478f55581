use crate::lint::dockerfile::Dockerfile;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::scripts;
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A pipeline hides that its first part failed.
    ///
    /// Of `wget … | tar …` only the last part counts: if the download fails, the build goes on with half of it. With
    /// `-o pipefail` each part counts.
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
    let message = "only the last part of this pipeline can fail";
    let help = "say `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before";
    Some(Found::new(&script.place(&pipeline.span), message).help(help))
}

/// Whether the shell is told so, by `SHELL` or at the begin of the script.
fn is_safe(script: &Script<'_>, file: &Dockerfile) -> bool {
    let says_so = script.shell.options.iter().any(|option| option.split(' ').any(|word| word == "pipefail"));
    says_so && has_option(script, file) || script.commands().iter().take(3).any(sets_pipefail)
}

/// Whether the shell has the option: that of Debian, which is called `sh` there, refuses it; that of Busybox takes it.
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
