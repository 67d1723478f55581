use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::{Script, Simple, Variables};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `pip install` leaves downloaded packages in the image.
    ///
    /// The cache is never used, because the next build starts without it. A cache mount and `PIP_NO_CACHE_DIR` are
    /// alternatives to `--no-cache-dir`.
    ///
    /// ```dockerfile bad
    /// FROM python:3.13
    /// RUN pip install requests==2.32.3
    /// ```
    ///
    /// ```dockerfile good
    /// FROM python:3.13
    /// RUN pip install --no-cache-dir requests==2.32.3
    /// ENV PIP_NO_CACHE_DIR=1
    /// RUN pip install -r requirements.txt
    /// ```
    "DL3042", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let variables = Variables::of(subject.file);
    first_in_each(subject, |script, command| {
        let installs = packages::is_pip(command) && command.has(&["install"]);
        if !installs || command.has_long("no-cache-dir") || is_switched_off(script, &variables) {
            return None;
        }
        Some(at_name(script, command, "packages downloaded by `pip` stay in the image").help("add `--no-cache-dir`"))
    })
}

fn is_switched_off(script: &Script<'_>, variables: &Variables) -> bool {
    let name = "PIP_NO_CACHE_DIR";
    let of_file = variables.value(script, name).is_some_and(is_true);
    let is_set = |command: &Simple| command.assigned(name).is_some_and(|assigned| is_true(&assigned.value.text));
    of_file || script.commands().iter().any(is_set) || is_cache_mounted(script)
}

fn is_cache_mounted(script: &Script<'_>) -> bool {
    let mounts = script.instruction.flags.iter().filter_map(|flag| flag.value.as_ref());
    mounts.filter(|value| value.text.contains(".cache/pip")).any(|value| {
        ["type=cache", "type=tmpfs"].iter().any(|kind| value.text.split(',').any(|option| option == *kind))
    })
}

fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on", "t", "y"].contains(&value.trim_matches(['"', '\'']).to_ascii_lowercase().as_str())
}
