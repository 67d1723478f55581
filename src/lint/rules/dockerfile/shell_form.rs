use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// The command of `CMD`, `ENTRYPOINT` or `HEALTHCHECK` needs a shell.
    ///
    /// Docker then signals the shell to stop, which does not forward the signal: the program is killed after ten
    /// seconds without a chance to shut down. A health check needs a shell in the image. BuildKit: `JSONArgsRecommended`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// CMD node server.js
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// HEALTHCHECK CMD ["curl", "-f", "http://localhost/"]
    /// CMD ["node", "server.js"]
    /// ```
    "DL3025", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let instructions = subject.file.instructions.iter().filter(|instruction| !instruction.on_build);
    instructions.filter(|instruction| needs_shell(instruction)).map(found).collect()
}

fn needs_shell(instruction: &Instruction) -> bool {
    match instruction.keyword {
        Keyword::Cmd | Keyword::Entrypoint => !instruction.text().is_empty(),
        Keyword::Healthcheck => matches!(instruction.words(), [_, _, ..]) && !instruction.has_list(),
        _ => false,
    }
}

fn found(instruction: &Instruction) -> Found {
    let message = format!("the command of this `{}` needs a shell", instruction.keyword);
    Found::new(&instruction.keyword_span, message).help("write it as a JSON list: `[\"program\", \"argument\"]`")
}
