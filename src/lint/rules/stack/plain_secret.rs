use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::rules::stack::quoted_file_value::{env_files, lines};
use crate::lint::subject::StackSubject;
use crate::mask;
use crate::name::RepoPath;
use crate::sops::Document;
use crate::stack::sources::Sources;
use crate::stack::yaml::Node;
use crate::text;

rule! {
    /// A password or key is in the stack file.
    ///
    /// Everybody who can read the repository, now or later, can read it, and so can everybody who may inspect the service or
    /// the image. A secret is encrypted in the swarm and available only to the containers that need it, as a file; many images
    /// read this file if its path is in a variable that ends in `_FILE`. The rule checks variables, build arguments,
    /// labels, and the files in `env_file`: for names of secrets, and for addresses and connection strings (`key=value;`) with a password.
    /// The default of a variable (`${PASS:-hunter2}`) is as readable as any other text.
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     environment: { POSTGRES_PASSWORD: hunter2 }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: shop:1
    ///     environment: ["DATABASE_URL=postgres://shop:hunter2@db/shop"]
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: shop:1
    ///     environment: { ConnectionStrings__Default: "Server=db;User Id=sa;Password=hunter2;" }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     environment: { POSTGRES_PASSWORD: "${PASS:-hunter2}" }
    /// ```
    ///
    /// ```yaml bad with env-shop.env
    /// services:
    ///   shop: { image: "shop:1", env_file: shop.env }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     environment:
    ///       POSTGRES_PASSWORD_FILE: /run/secrets/password
    ///       ConnectionStrings__Default: "Server=db;Password_FILE=/run/secrets/password;Password=<PASSWORD>"
    ///       MAIL_PASSWORD: ${MAIL_PASSWORD}
    ///       PASSWORD_RESET_URL: https://example.com/reset
    ///       SESSION_TOKEN_TTL: 3600
    ///     secrets: [password]
    /// secrets: { password: { external: true } }
    /// ```
    "SK6001", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(services) = subject.file.tree.get("services") else { return Vec::new() };
    let maps = [&["environment"][..], &["build", "args"], &["labels"], &["deploy", "labels"]];
    let mut found: Vec<Found> = Vec::new();
    for (_, service) in services.entries() {
        for values in maps.iter().filter_map(|keys| service.at(keys)) {
            let told = pairs(values).into_iter().filter_map(|pair| told(&pair, &subject.file.sources));
            found.extend(told.take(MAX_LOOKED_AT.saturating_sub(found.len())));
        }
    }
    found.sort_by_key(|found| found.what.place.start);
    found.dedup();
    found.extend(in_env_files(subject));
    found
}

/// The remedy.
pub(super) const HELP: &str = "use a secret, or a variable from skep's settings: `${NAME}`";

/// The message about a variable whose value is or contains a secret.
pub(super) fn readable(name: &str, value: &str) -> Option<String> {
    let shown = text::cut(name);
    if value.contains("{{") {
        None
    } else if mask::is_secret_name(name) && mask::is_plain(value) {
        Some(format!("`{shown}` is readable by everybody who can read this file"))
    } else if !mask::passwords(value).is_empty() {
        Some(format!("the password in `{shown}` is readable by everybody who can read this file"))
    } else {
        None
    }
}

/// Findings in `env_file`s, except files encrypted with SOPS and example files.
fn in_env_files(subject: &StackSubject<'_>) -> Vec<Found> {
    let files: BTreeSet<&RepoPath> = env_files(subject).filter(|path| !is_example(path)).collect();
    let texts = files.into_iter().filter_map(|path| Some((path, subject.revision.texts.get(path)?)));
    let open = texts.filter(|(path, text)| matches!(Document::read(path, text), Ok(None)));
    open.flat_map(|(path, text)| in_env_file(path, text)).take(MAX_LOOKED_AT).collect()
}

fn in_env_file(path: &RepoPath, text: &[u8]) -> Vec<Found> {
    let told = |(at, name, value): (usize, &str, &str)| {
        let message = readable(name, value.trim_matches(['"', '\'']))?;
        let start = at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let span = start..start + name.len() + 1 + value.len();
        Some(Found::new(&span, message).in_file(path.clone()).help(HELP_IN_FILE))
    };
    lines(text).filter_map(told).collect()
}

/// The remedy for an `env_file`.
const HELP_IN_FILE: &str =
    "use a secret; variables of an `env_file` are readable in the repository and in the settings of containers";

fn is_example(path: &RepoPath) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word))
}

/// A name with its value and place.
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
    span: Span,
}

/// The pairs of a map, or of a list of `NAME=value`.
fn pairs(values: &Node) -> Vec<Pair<'_>> {
    let of_map = values.entries().iter().map(|(key, value)| Pair {
        name: key.raw(),
        value: value.raw(),
        span: key.span.start..value.span.end.max(key.span.end),
    });
    let of_list = values.items().iter().filter_map(|item| {
        let (name, value) = item.raw().split_once('=')?;
        Some(Pair { name, value, span: item.span.clone() })
    });
    of_map.chain(of_list).collect()
}

fn told(Pair { name, value, span }: &Pair<'_>, sources: &Sources) -> Option<Found> {
    let written = String::from_utf8_lossy(sources.text(span));
    let by_itself = readable(name, value)?;
    // Values of variables come from elsewhere, but their defaults are in the file.
    let stands_here = !written.contains('$') || !mask::secrets(&written).is_empty();
    stands_here.then(|| Found::new(span, by_itself).help(HELP))
}
