use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::lint::suggest;

rule! {
    /// An `ARG` or `ENV` is called like a secret.
    ///
    /// Both stay in the image: whoever has it can read them with `docker history` and `docker inspect`. A secret of the
    /// build is only there for one `RUN`. BuildKit: `SecretsUsedInArgOrEnv`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ARG NPM_TOKEN
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ENV DB_PASSWORD_FILE=/run/secrets/db PUBLIC_KEY=a
    /// RUN --mount=type=secret,id=npm NPM_TOKEN=$(cat /run/secrets/npm) npm ci
    /// ```
    "DL3064", Warning, Dockerfile(check)
}

/// Words that are a secret whichever word is next to them.
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
/// Ends of words: `PGPASSWORD`, `NPMTOKEN`.
const ENDS: [&str; 5] = ["password", "passwd", "secret", "token", "tokens"];
/// Words beside which they are none.
const HARMLESS: [&str; 3] = ["public", "file", "version"];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let declare = |instruction: &&Instruction| matches!(instruction.keyword, Keyword::Arg | Keyword::Env);
    let instructions = subject.file.instructions.iter().filter(declare);
    let pairs = instructions.flat_map(|one| one.pairs().into_iter().map(move |pair| (pair, one)));
    pairs
        .filter(|(pair, _)| is_secret(pair.name.unquoted()))
        .map(|(pair, instruction)| {
            let message =
                format!("`{}` is called like a secret, and stays in the image", suggest::cut(pair.name.unquoted()));
            let help = if instruction.keyword == Keyword::Arg {
                "use `RUN --mount=type=secret`"
            } else {
                "give it to the running container: as a secret of the swarm"
            };
            Found::new(&pair.name.span, message).help(help)
        })
        .collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = || name.split('_');
    let is_one = |word: &str| SECRET.contains(&word) || ENDS.iter().any(|end| word.ends_with(end));
    words().any(is_one) && !words().any(|word| HARMLESS.contains(&word))
}
