use crate::lint::dockerfile::{Instruction, Keyword, Pair};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// An `ARG` or `ENV` has the name of a secret.
    ///
    /// Both stay in the image: whoever has the image can read them with `docker history` and `docker inspect`. A build
    /// secret exists only during one `RUN`. Keys for verifying signatures (`GPG_KEY`), paths of files and switches are
    /// not reported. BuildKit: `SecretsUsedInArgOrEnv`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ARG NPM_TOKEN
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ENV DB_PASSWORD_FILE=/run/secrets/db PUBLIC_KEY=a Filters__0__Key=colour TLS_KEY=/run/secrets/tls
    /// ENV GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305
    /// RUN --mount=type=secret,id=npm NPM_TOKEN=$(cat /run/secrets/npm) npm ci
    /// ```
    "DL3064", Warning, Dockerfile(check)
}

/// Words that mean a secret, whatever the neighbouring words.
const SECRET: [&str; 12] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "passphrase",
    "password",
    "passwd",
    "pword",
    "secret",
    "secrets",
    "token",
];
/// Suffixes of words that mean a secret: `PGPASSWORD`, `NPMTOKEN`.
const ENDS: [&str; 5] = ["password", "passwd", "secret", "token", "tokens"];
/// Words that make a name harmless.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let declare = |instruction: &&Instruction| matches!(instruction.keyword, Keyword::Arg | Keyword::Env);
    let instructions = subject.file.instructions.iter().filter(declare);
    let pairs = instructions.flat_map(|one| one.pairs().into_iter().map(move |pair| (pair, one)));
    pairs
        .filter(|(pair, _)| is_secret(pair.name.unquoted()) && !is_harmless(pair))
        .map(|(pair, instruction)| {
            let message =
                format!("`{}` has the name of a secret, and stays in the image", text::cut(pair.name.unquoted()));
            let help = if instruction.keyword == Keyword::Arg {
                "use `RUN --mount=type=secret`"
            } else {
                "pass it to the running container as a Swarm secret"
            };
            Found::new(&pair.name.span, message).help(help)
        })
        .collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = || name.split('_').filter(|word| !word.is_empty());
    let is_one = |word: &str| SECRET.contains(&word) || ENDS.iter().any(|end| word.ends_with(end));
    let is_public = words().any(|word| HARMLESS.contains(&word) || PUBLIC.contains(&word));
    words().any(is_one) && !is_public && !is_setting(&name)
}

/// Words that mark a key as public, for verifying signatures.
const PUBLIC: [&str; 4] = ["gpg", "pgp", "fingerprint", "keyserver"];

/// Whether a name is that of a list setting in .NET: `Filters__0__Key` is the key of a filter. No other part of it may
/// mean a secret.
fn is_setting(name: &str) -> bool {
    let parts: Vec<&str> = name.split("__").collect();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let [before @ .., number, "key"] = parts.as_slice() else { return false };
    let secrets = ["secret", "password", "token", "auth", "api", "credential", "encrypt", "sign", "jwt", "access"];
    is_number(number) && before.iter().all(|part| !secrets.iter().any(|secret| part.contains(secret)))
}

/// Whether a value is not a secret: a switch, the path of a file, or the fingerprint of a key.
fn is_harmless(pair: &Pair) -> bool {
    let Some(value) = &pair.value else { return false };
    let value = value.unquoted();
    let is_switch =
        ["true", "false", "yes", "no", "on", "off", "none"].iter().any(|word| value.eq_ignore_ascii_case(word));
    let is_path = value.starts_with('/') && value.len() > 1 && !value.contains(char::is_whitespace);
    is_switch || is_path || is_fingerprint(value) && is_key(pair.name.unquoted())
}

/// Whether a value consists of `OpenPGP` key fingerprints of forty digits.
fn is_fingerprint(value: &str) -> bool {
    let digits = |word: &str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    value.split_whitespace().next().is_some() && value.split_whitespace().all(digits)
}

/// Whether a name means a cryptographic key, as opposed to an API key of a service.
fn is_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split('_').collect();
    let is_key = words.iter().any(|word| ["key", "keys"].contains(word));
    is_key && !words.iter().any(|word| ["api", "access", "secret", "auth", "private", "encryption"].contains(word))
}
