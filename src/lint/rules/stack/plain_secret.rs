use crate::lint::rule::{Found, MAX_FOUND, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::stack::sources::Sources;
use crate::stack::yaml::{Node, Span};

rule! {
    /// A password or key stands in the stack file.
    ///
    /// Everybody who can read the repository, now or later, has it, and so has everybody who may inspect the service or
    /// the image. A secret is encrypted in the swarm and reaches only the containers that need it, as a file; many images
    /// read it from there through a variable that ends in `_FILE`. Looked at are variables, arguments of a build and
    /// labels: by their names, and for an address or a line of `key=value;` with a password in it.
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

/// What the name of a variable that holds a secret ends with.
const ENDS: [&str; 14] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "_PASS",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "SECRET_KEY",
    "SECRET_KEY_BASE",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
];
/// Names that end so and hold none.
const OTHERS: [&str; 3] = ["HTPASSWD", "RANDOM_ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD"];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(services) = subject.file.tree.get("services") else { return Vec::new() };
    let maps = [&["environment"][..], &["build", "args"], &["labels"], &["deploy", "labels"]];
    let mut found: Vec<Found> = Vec::new();
    for (_, service) in services.entries() {
        for values in maps.iter().filter_map(|keys| service.at(keys)) {
            let told = pairs(values).into_iter().filter_map(|pair| told(&pair, &subject.file.sources));
            found.extend(told.take(MAX_FOUND.saturating_sub(found.len())));
        }
    }
    found.sort_by_key(|found| found.span.start);
    found.dedup();
    found
}

/// A name, what stands behind it, and where.
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
    span: Span,
}

/// Of a map, or of a list of `NAME=value`.
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
    // What is filled in from elsewhere does not stand here.
    if sources.text(span).contains(&b'$') || value.contains("{{") {
        return None;
    }
    let message = if is_secret(name) && is_plain(value) {
        format!("`{}` is readable by everybody who can read this file", suggest::cut(name))
    } else if has_password(value) || connects_with_password(value) {
        format!("the password in `{}` is readable by everybody who can read this file", suggest::cut(name))
    } else {
        return None;
    };
    Some(Found::new(span, message).help("use a secret, or a variable that is set where skep runs: `${NAME}`"))
}

fn is_secret(name: &str) -> bool {
    let name = name.rsplit('.').next().unwrap_or_default().to_ascii_uppercase().replace('-', "_");
    let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
    ends(&ENDS) && !ends(&OTHERS)
}

/// Whether a value is one that could open something: no path, no address, no switch.
fn is_plain(value: &str) -> bool {
    let is_switch = ["true", "false", "yes", "none", "null"].iter().any(|switch| value.eq_ignore_ascii_case(switch));
    let is_elsewhere = value.starts_with(['/', '<']) || value.contains("://");
    value.len() > 2 && !is_switch && !is_elsewhere
}

/// Whether a value is an address with a password in it: `postgres://shop:hunter2@db/shop`.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let before = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    let password = before.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    password.is_some_and(|password| !password.is_empty() && !password.starts_with(['<', '*']))
}

/// Whether a value is how .NET and ODBC are told of a database, with a password: `Server=db;Password=hunter2;`.
fn connects_with_password(value: &str) -> bool {
    let pairs: Vec<(&str, &str)> = value.split(';').filter_map(|pair| pair.split_once('=')).collect();
    let is_password = |key: &str| ["password", "pwd"].iter().any(|name| key.trim().eq_ignore_ascii_case(name));
    pairs.len() > 1 && pairs.iter().any(|(key, value)| is_password(key) && is_plain(value.trim()))
}
