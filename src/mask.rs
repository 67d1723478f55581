//! Hides passwords and keys in output: plans, differences, and source lines of findings.
//!
//! A secret is recognised by its name (`POSTGRES_PASSWORD`, `--requirepass`), or by its place in an address
//! (`postgres://shop:hunter2@db`) or a connection string (`key=value`). A variable is not a secret, but
//! its default is (`${PASS:-hunter2}`). Other secrets are not recognised.

use std::borrow::Cow;
use std::ops::Range;

/// The text shown instead of a secret.
pub const HIDDEN: &str = "***";

/// Suffixes of the names of variables that hold a secret.
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
/// Names with such a suffix that do not hold a secret.
const OTHERS: [&str; 3] = ["HTPASSWD", "RANDOM_ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD"];

/// Options of programs whose value is a secret.
const OPTIONS: [&str; 11] = [
    "password",
    "passwd",
    "requirepass",
    "masterauth",
    "secret",
    "token",
    "api-key",
    "apikey",
    "secret-key",
    "access-key",
    "auth-token",
];
/// Options with such a suffix whose value is not a secret but a name, a number or a marker.
const OTHER_OPTIONS: [&str; 9] = [
    "initial-cluster-token",
    "max-token",
    "eos-token",
    "pad-token",
    "stop-token",
    "pull-secret",
    "tls-secret",
    "docker-secret",
    "external-secret",
];

/// The keys of passwords in the query of an address or in a connection string.
const KEYS: [&str; 4] = ["password", "passwd", "pwd", "access_token"];

/// The longest text that is searched; the rest is not shown.
const LONGEST: usize = 64 * 1024;

/// Whether a variable or label with this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_uppercase().replace('-', "_");
    let ends = |list: &[&str]| list.iter().any(|end| last.ends_with(end));
    last == "PASS" || ends(&ENDS) && !ends(&OTHERS)
}

/// Whether the value of a program's option (`--requirepass`, without dashes) is a secret.
pub fn is_secret_option(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or_default();
    let is = |known: &str| last == known || last.strip_suffix(known).is_some_and(|rest| rest.ends_with('-'));
    OPTIONS.iter().any(|known| is(known)) && !OTHER_OPTIONS.iter().any(|known| is(known))
}

/// Whether a value may be a secret: not a path, an address or a switch.
pub fn is_plain(value: &str) -> bool {
    let is_switch = ["true", "false", "yes", "none", "null"].iter().any(|switch| value.eq_ignore_ascii_case(switch));
    let is_elsewhere = value.starts_with(['/', '<']) || value.contains("://");
    value.len() > 2 && !is_switch && !is_elsewhere
}

/// The passwords in a value: in addresses and connection strings.
pub fn passwords(value: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> =
        value.match_indices("://").filter_map(|(at, _)| in_address(value, at + 3)).collect();
    found.extend(in_parameters(value));
    literal(value, found)
}

/// The secrets in any text: after names and options, in addresses and connection strings.
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let text = text.get(..LONGEST).unwrap_or(text);
    let mut found = passwords(text);
    found.extend(literal(text, behind_names(text)));
    found.extend(literal(text, behind_options(text)));
    apart(found)
}

/// Sorts ranges, and removes those that begin inside another one.
fn apart(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    found.dedup_by(|next, first| next.start < first.end);
    found
}

/// The value of a variable with this name, masked for output.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if !is_secret_name(name) {
        return text(value);
    }
    let whole = literal(value, std::iter::once(0..value.len()).collect());
    if whole.is_empty() { text(value) } else { hidden(value, &whole) }
}

/// A text, masked for output.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.len() > LONGEST {
        return hidden(text, &secrets(text));
    }
    match secrets(text) {
        found if found.is_empty() => Cow::Borrowed(text),
        found => hidden(text, &found),
    }
}

/// A message, masked for output. Names may be ordinary words in it, so only text after `NAME=` and in addresses is
/// hidden.
pub fn message(text: &str) -> Cow<'_, str> {
    let mut found = passwords(text);
    found.extend(
        literal(text, behind_names(text))
            .into_iter()
            .filter(|range| text[..range.start].trim_end_matches(['"', '\'']).ends_with('=')),
    );
    let found = apart(found);
    if found.is_empty() { Cow::Borrowed(text) } else { hidden(text, &found) }
}

/// Replaces each byte of a secret by a star, keeping the length of the text.
pub fn starred(text: &str) -> Cow<'_, str> {
    let found = secrets(text);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    replaced(text, &found, |secret| "*".repeat(secret.len()))
}

fn hidden<'a>(text: &'a str, found: &[Range<usize>]) -> Cow<'a, str> {
    replaced(text, found, |_| HIDDEN.to_owned())
}

fn replaced<'a>(text: &'a str, found: &[Range<usize>], with: impl Fn(&str) -> String) -> Cow<'a, str> {
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        shown.push_str(&text[at..range.start]);
        shown.push_str(&with(&text[range.clone()]));
        at = range.end;
    }
    shown.push_str(&text[at..]);
    shown.into()
}

/// The literal parts of these ranges: for a variable its default, if any.
fn literal(text: &str, found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let own = |range: Range<usize>| {
        let part = &text[range.clone()];
        let Some(dollar) = part.find('$').filter(|at| !part[*at..].starts_with("$$")) else {
            return (is_plain(part) && !is_of_shell(part)).then_some(range);
        };
        let begin = range.start + dollar;
        let inside = text[begin..range.end].strip_prefix("${")?;
        let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let operator = if inside[end..].starts_with(":-") { 2 } else { usize::from(inside[end..].starts_with('-')) };
        let start = begin + 2 + end + operator;
        let length = text[start..range.end].find('}').unwrap_or(range.end - start);
        let default = &text[start..start + length];
        (operator > 0 && is_plain(default) && !default.contains('$')).then(|| start..start + length)
    };
    found.into_iter().filter_map(own).collect()
}

/// Whether a shell in the container expands the value: `$$(cat /run/secrets/a)`, `$$NAME`.
fn is_of_shell(value: &str) -> bool {
    let mut behind = value.split("$$").skip(1).filter_map(|rest| rest.chars().next());
    value.contains('`') || behind.any(|c| matches!(c, '(' | '{' | '_') || c.is_ascii_uppercase())
}

/// The password in `user:password@host`, which begins at `start`.
fn in_address(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    // A variable may contain any character.
    let mut depth = 0_usize;
    let end = rest.find(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(c, '/' | '?' | '#' | ' ' | '"' | '\'' | '\n' | ',')
    });
    let before = &rest[..end.unwrap_or(rest.len())];
    let at = before.rfind('@')?;
    let colon = before[..at].find(':')?;
    let range = start + colon + 1..start + at;
    (!range.is_empty() && !text[range.clone()].starts_with(['<', '*'])).then_some(range)
}

/// The values of `password=` and the like at the start, or after `;`, `&`, `?` or a space.
fn in_parameters(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let begins = |at: usize| at == 0 || lower[..at].ends_with([';', '&', '?', ' ', '"', '\'']);
    let of_key = |key: &'static str| {
        let places = lower.match_indices(key).map(|(at, _)| at).filter(|at| begins(*at)).collect::<Vec<_>>();
        places.into_iter().filter_map(|at| {
            let rest = &text[at + key.len()..];
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            let start = at + key.len() + blanks + 1;
            rest[blanks..].strip_prefix('=').map(|_| start)
        })
    };
    let starts = KEYS.iter().flat_map(|key| of_key(key).collect::<Vec<_>>());
    starts.map(|start| start..start + token(&text[start..], &[';', '&', ' ', '"', '\'', '\n'])).collect()
}

/// The length of a text up to one of these characters, outside of `${…}`.
fn token(text: &str, ends: &[char]) -> usize {
    let mut depth = 0_usize;
    let end = text.find(|c: char| {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0 && ends.contains(&c)
    });
    end.unwrap_or(text.len())
}

/// The values after `NAME=`, `NAME: ` and `ENV NAME ` if the name is that of a secret.
fn behind_names(text: &str) -> Vec<Range<usize>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(is_part).map(|length| at + length) {
        let end = start + text[start..].find(|c| !is_part(c)).unwrap_or(text.len() - start);
        at = end;
        if is_secret_name(&text[start..end]) {
            let value = behind_name(text, start, end);
            at = value.as_ref().map_or(end, |value| value.end.max(end));
            found.extend(value);
        }
    }
    found
}

fn behind_name(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let rest = text[end..].strip_prefix(['"', '\'']).unwrap_or(&text[end..]);
    let trimmed = rest.trim_start_matches([' ', '\t']);
    let is_old = || text[..start].trim_end().to_ascii_uppercase().ends_with("ENV") && trimmed.len() < rest.len();
    let (behind, is_yaml) = match trimmed.strip_prefix('=') {
        Some(behind) => (behind, false),
        None if trimmed.starts_with(": ") => (&trimmed[1..], true),
        None if is_old() => (trimmed, false),
        None => return None,
    };
    let mut behind = behind.trim_start_matches(' ');
    if is_yaml {
        // Skip anchors and tags; a map, a list and a block are not values.
        while behind.starts_with(['&', '!']) {
            behind = behind.split_once(' ')?.1.trim_start_matches(' ');
        }
        if behind.starts_with(['{', '[', '*', '|', '>']) {
            return None;
        }
    }
    let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
    let from = text.len() - behind.len() + usize::from(quote.is_some());
    let length = match quote {
        Some(quote) => text[from..].find(quote).unwrap_or(text.len() - from),
        None if is_yaml && !text[..start].contains('{') => token(&text[from..], &['\n']),
        // Quotes around the whole, as in `"NAME=value"`.
        None => token(&text[from..], &[' ', '\n', ',', ';', '&', '}', ']', '"', '\'', '`']),
    };
    let value = text[from..from + length].trim_end();
    Some(from..from + value.len())
}

/// The values after options such as `--requirepass`, on a line or in a list.
fn behind_options(text: &str) -> Vec<Range<usize>> {
    let options = text.match_indices("--").map(|(at, _)| at + 2);
    let behind = |start: usize| {
        let rest = &text[start..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '_'))?;
        let name = &rest[..end];
        let gap = rest[end..].len() - rest[end..].trim_start_matches([' ', '=', '"', '\'', ',', '\n']).len();
        let from = start + end + gap;
        let length = token(&text[from..], &[' ', '"', '\'', ',', ']', '\n', '`']);
        let is_value = gap > 0 && length > 0 && !text[from..].starts_with(['-', '/', '<']);
        (is_secret_option(name) && is_value).then(|| from..from + length)
    };
    options.filter_map(behind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names_and_places() {
        let shown = |line: &str| text(line).into_owned();
        for (line, masked) in [
            ("POSTGRES_PASSWORD: hunter2", "POSTGRES_PASSWORD: ***"),
            ("{ POSTGRES_PASSWORD: hunter2, MODE: a }", "{ POSTGRES_PASSWORD: ***, MODE: a }"),
            ("password: { external: true, api-key: hunter2 }", "password: { external: true, api-key: *** }"),
            ("- \"DB_PASS=hunter2\"", "- \"DB_PASS=***\""),
            ("- API_KEY=abc def", "- API_KEY=*** def"),
            ("PASSWORD: correct horse", "PASSWORD: ***"),
            ("'SECRET': \"a b\"", "'SECRET': \"***\""),
            ("ENV NPM_TOKEN abc", "ENV NPM_TOKEN ***"),
            ("DATABASE_URL=postgres://shop:s3cret@db/shop?x=1", "DATABASE_URL=postgres://shop:***@db/shop?x=1"),
            ("amqp://a:b1c@q, redis://:hunter2@r", "amqp://a:***@q, redis://:***@r"),
            ("Server=db;User Id=sa;Password=hunter2;", "Server=db;User Id=sa;Password=***;"),
            ("host=db password=hunter2 user=a", "host=db password=*** user=a"),
            ("jdbc:mysql://db/a?user=b&password=hunter2&x=1", "jdbc:mysql://db/a?user=b&password=***&x=1"),
            ("redis-server --requirepass hunter2", "redis-server --requirepass ***"),
            ("[\"a\", \"--auth.token\", \"hunter2\"]", "[\"a\", \"--auth.token\", \"***\"]"),
            ("--token=hunter2 --x", "--token=*** --x"),
            ("PASSWORD: &pw hunter2", "PASSWORD: &pw ***"),
            ("PASSWORD: !!str \"a b\"", "PASSWORD: !!str \"***\""),
            ("PASSWORD: ${PASS:-hunter2}", "PASSWORD: ${PASS:-***}"),
            ("postgres://a:${PASS-hunter2}@db", "postgres://a:${PASS-***}@db"),
            ("postgres://a:hunter2@${HOST:-db/x}/", "postgres://a:***@${HOST:-db/x}/"),
        ] {
            assert_eq!(shown(line), masked);
            assert_eq!(starred(line).len(), line.len(), "{line}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for line in [
            "POSTGRES_PASSWORD_FILE: /run/secrets/a",
            "PASSWORD: ${PASS}",
            "PASSWORD: ${PASS:?say it}",
            "PASSWORD: $PASS",
            "PASSWORD: /run/secrets/a",
            "MYSQL_ALLOW_EMPTY_PASSWORD: true",
            "password: { file: ./database.enc.yaml, x-skep: { key: database.password } }",
            "https://example.com:8080/a@b",
            "postgres://shop:<PASSWORD>@db",
            "the value of `--requirepass` is readable",
            "`POSTGRES_PASSWORD` is readable by everybody",
            "--initial-cluster-token shop --password-file /a --token -",
            "password: { file: ./secrets/a.yaml }",
            "api_key: *key",
            "secret: [a, b]",
            "token: |",
            "image: shop:1",
            "TOKEN_TTL=3600",
        ] {
            assert_eq!(text(line), line);
        }
    }

    #[test]
    fn a_value_is_known_by_its_name() {
        assert_eq!(value("POSTGRES_PASSWORD", "correct horse"), "***");
        assert_eq!(value("labels.com.example.api-key", "abc"), "***");
        assert_eq!(value("URL", "https://a:bcd@c"), "https://a:***@c");
        assert_eq!(value("MODE", "test"), "test");
        assert_eq!(value("command", "redis-server --requirepass hunter2"), "redis-server --requirepass ***");
    }
}
