use std::collections::BTreeMap;

use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::shell::{Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Several `RUN` instructions follow each other.
    ///
    /// Each makes a layer, and files that one of them creates stay in the image even if the next one removes them. Several commands
    /// in one `RUN` make a single layer.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN useradd app
    /// RUN mkdir /data
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN useradd app && mkdir /data
    /// ```
    "DL3059", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let is_run = |instruction: &Instruction| instruction.keyword == Keyword::Run && !instruction.on_build;
    let pairs = subject.file.instructions.windows(2).filter(|pair| pair.iter().all(is_run));
    let scripts: Scripts<'_> =
        subject.scripts.iter().map(|script| (script.instruction.span.start, script)).rev().collect();
    let pairs =
        pairs.filter(|pair| flags(&pair[0]) == flags(&pair[1]) && pair.iter().all(|run| is_single(&scripts, run)));
    pairs.map(|pair| found(&pair[1])).collect()
}

/// The scripts by the place of their instruction.
type Scripts<'a> = BTreeMap<usize, &'a Script<'a>>;

fn found(run: &Instruction) -> Found {
    Found::new(&run.keyword_span, "this `RUN` could be merged with the previous `RUN`").help("join them with `&&`")
}

fn flags(run: &Instruction) -> Vec<(&str, Option<&str>)> {
    run.flags.iter().map(|flag| (flag.name.as_str(), flag.value.as_ref().map(|value| value.text.as_str()))).collect()
}

/// Whether it has a single command; several were combined on purpose.
fn is_single(scripts: &Scripts<'_>, run: &Instruction) -> bool {
    match scripts.get(&run.span.start) {
        Some(script) => script.commands().iter().filter(|command| is_step(command)).count() < 2,
        // A script for PowerShell or the like, which is not parsed.
        None => !run.text().contains([';', '|', '&']),
    }
}

/// Whether a command has an effect of its own: `[ … ]` has none, and a variable in its name may be anything.
fn is_step(command: &Simple) -> bool {
    command.words.first().is_some_and(|name| name.text != "[" && !name.has_expansion())
}
