use crate::diagnostic::Span;
use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::shell::Script;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A variable disables the verification of certificates.
    ///
    /// With `NODE_TLS_REJECT_UNAUTHORIZED=0`, `GIT_SSL_NO_VERIFY` and the like a program accepts data from any
    /// attacker on the network. As `ENV` it also applies in every container.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ENV NODE_TLS_REJECT_UNAUTHORIZED=0
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ENV NODE_EXTRA_CA_CERTS=/etc/ssl/own-authority.crt
    /// ```
    "SK5502", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let set = subject.file.instructions.iter().filter(|one| matches!(one.keyword, Keyword::Env | Keyword::Arg));
    let of_file = set.flat_map(switches).map(|(span, name)| found(span, name));
    of_file.chain(subject.scripts.iter().flat_map(of_script)).collect()
}

fn found(span: &Span, name: &str) -> Found {
    Found::new(span, format!("`{name}` lets programs trust any server"))
        .help("remove it; for your own certificate authority, add its certificate to the image")
}

fn switches(instruction: &Instruction) -> Vec<(&Span, &str)> {
    match instruction.words() {
        [name, value, ..] if !name.text.contains('=') => {
            is_off(&name.text, &value.text).then_some((&name.span, name.text.as_str())).into_iter().collect()
        }
        words => words
            .iter()
            .filter_map(|word| {
                let (name, value) = word.text.split_once('=')?;
                is_off(name, value).then_some((&word.span, name))
            })
            .collect(),
    }
}

fn of_script<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let assigned = script.commands().iter().flat_map(|command| &command.assignments);
    let off = assigned.filter(|one| is_off(&one.name, &one.value.text));
    off.map(|one| found(&script.place(&one.span), &one.name))
}

/// Whether a value of a variable disables the verification.
fn is_off(name: &str, value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let is_false = ["0", "false", "no", "off"].contains(&value.as_str());
    match name {
        "NODE_TLS_REJECT_UNAUTHORIZED" | "PYTHONHTTPSVERIFY" => value == "0",
        "NPM_CONFIG_STRICT_SSL" | "npm_config_strict_ssl" | "YARN_ENABLE_STRICT_SSL" => is_false,
        "GIT_SSL_NO_VERIFY" => !value.is_empty() && !is_false,
        "PIP_TRUSTED_HOST" => !value.is_empty(),
        _ => false,
    }
}
