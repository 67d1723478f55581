use crate::diagnostic::Fix;
use crate::lint::dockerfile::Instruction;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// An instruction differs in case from most others.
    ///
    /// Write all instructions in upper case or all in lower case for readability. BuildKit: `ConsistentInstructionCasing`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// run npm ci
    /// COPY . .
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// RUN npm ci
    /// COPY . .
    /// ```
    "SK5012", Style, Dockerfile(check), Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let instructions = &subject.file.instructions;
    let count = |is_one: fn(&u8) -> bool| {
        let all = |instruction: &&Instruction| instruction.keyword_text.bytes().all(|byte| is_one(&byte));
        instructions.iter().filter(all).count()
    };
    let small = count(u8::is_ascii_lowercase) > count(u8::is_ascii_uppercase);
    instructions.iter().filter_map(|instruction| differs(instruction, small)).collect()
}

fn differs(instruction: &Instruction, small: bool) -> Option<Found> {
    let written = &instruction.keyword_text;
    let wanted = if small { written.to_ascii_lowercase() } else { written.to_ascii_uppercase() };
    (*written != wanted).then(|| {
        Found::new(&instruction.keyword_span, format!("`{written}` differs in case from most instructions"))
            .help(format!("write `{wanted}`"))
            .fix(Fix::safe(format!("write `{wanted}`")).replace(&instruction.keyword_span, wanted))
    })
}
