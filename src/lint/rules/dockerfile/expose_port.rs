use crate::diagnostic::Severity;
use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword, Stage, Word, bare};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::stack::file::is_port_spec;
use crate::text;

rule! {
    /// `EXPOSE` contains an invalid port.
    ///
    /// A port is a number up to 65535, or a range such as `80-90`, optionally followed by `/tcp`, `/udp` or `/sctp`. Anything else
    /// fails the build. If only the default of an `ARG`, or the build of another image (`ONBUILD`), is affected, this is a warning.
    ///
    /// ```dockerfile bad
    /// FROM nginx:1.27
    /// EXPOSE 80800
    /// ```
    ///
    /// ```dockerfile good
    /// FROM nginx:1.27
    /// ARG PORT=9000
    /// EXPOSE 80 8000-8010/udp $PORT
    /// ```
    "DL3011", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let in_stage = |stage: Stage<'_>| {
        let exposed = stage.instructions.iter().filter(|instruction| instruction.keyword == Keyword::Expose);
        let words = exposed.flat_map(|instruction| instruction.words().iter().map(move |word| (instruction, word)));
        words.filter_map(|(instruction, word)| found(word, instruction, stage.index, subject.file)).collect::<Vec<_>>()
    };
    subject.file.stages().flat_map(in_stage).collect()
}

fn found(word: &Word, instruction: &Instruction, stage: usize, file: &Dockerfile) -> Option<Found> {
    let (written, at) = (bare(&word.text, file.escape), instruction.span.start);
    let surely = file.scopes.surely(stage, at, &written);
    let is_certain = surely.is_some() && !instruction.on_build;
    let filled = surely.or_else(|| file.scopes.by_default(stage, at, &written))?;
    // The value of a variable is split at its spaces.
    let wrong = filled.split_whitespace().find(|port| !is_port_spec(port))?;
    let found = Found::new(&word.span, format!("`{}` is not a port", text::cut(wrong)))
        .help("a port is a number from 0 to 65535, optionally followed by `/tcp`, `/udp` or `/sctp`");
    Some(if is_certain { found } else { found.severity(Severity::Warning) })
}
