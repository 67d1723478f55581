use std::collections::BTreeSet;

use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::name::RepoPath;
use crate::text;

rule! {
    /// Quotes, comments and variables in an `env_file` are part of the value.
    ///
    /// `docker stack deploy` and skep take the text after `=` literally: `TOKEN="abc"` passes quotes to the program,
    /// `PORT=80 # public` passes a comment, and `${HOST}` is not replaced. `docker compose` and shells read such lines
    /// differently, so a file that works there may not work here.
    ///
    /// ```yaml bad with env-shop.env
    /// services:
    ///   shop: { image: "shop:1", env_file: shop.env }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   shop: { image: "shop:1", environment: { NAME: "a name" } }
    /// ```
    "SK2009", Warning, Stacks(check)
}

fn check(stacks: &[StackSubject<'_>]) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let files = stacks.iter().flat_map(|stack| env_files(stack).map(move |path| (stack, path)));
    let once = files.filter(|(_, path)| seen.insert((*path).clone()));
    once.flat_map(|(stack, path)| quoted(stack, path)).collect()
}

/// The `env_file`s of a stack.
pub(super) fn env_files<'a>(stack: &'a StackSubject<'_>) -> impl Iterator<Item = &'a RepoPath> {
    stack.file.services.values().flat_map(|service| &service.env_file).map(|file| &file.path.value)
}

/// The lines of an `env_file`: offset, name and value, as Docker reads them.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut start = 0;
    text.split_inclusive(|byte| *byte == b'\n').filter_map(move |line| {
        let at = start;
        start += line.len();
        let line = std::str::from_utf8(line).ok()?.trim_start().trim_end_matches(['\n', '\r']);
        if line.starts_with('#') {
            return None;
        }
        let (name, value) = line.split_once('=')?;
        Some((at, name, value))
    })
}

fn quoted(stack: &StackSubject<'_>, path: &RepoPath) -> Vec<Found> {
    let Some(text) = stack.revision.texts.get(path) else { return Vec::new() };
    let found = |(at, name, value): (usize, &str, &str)| {
        let (what, help) = kept(value)?;
        let length = name.len() + 1 + value.len();
        let line = text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let name = text::cut(name);
        let message = format!("{what} of the value of `{name}`");
        let found = Found::new(&(at + line..at + line + length), message).in_file(path.clone());
        Some(match help {
            Help::Value(value) => found.help(format!("write `{name}={}`", text::cut(value))),
            Help::Text(text) => found.help(text),
        })
    };
    lines(text).filter_map(found).take(MAX_LOOKED_AT).collect()
}

/// The suggested replacement.
enum Help<'a> {
    Value(&'a str),
    Text(&'static str),
}

/// The part of a value that Compose and shells would remove or replace.
fn kept(value: &str) -> Option<(&'static str, Help<'_>)> {
    let bare = value.trim();
    for quote in ['"', '\''] {
        let Some(rest) = bare.strip_prefix(quote) else { continue };
        match rest.split_once(quote) {
            Some((_, behind)) if behind.is_empty() || is_comment(behind) => {
                let inner = &rest[..rest.len() - behind.len() - 1];
                return Some(("the quotes are part", Help::Value(inner)));
            }
            Some(_) if rest.ends_with(quote) => {
                return Some(("the quotes are part", Help::Value(&rest[..rest.len() - 1])));
            }
            None if quote == '"' => {
                let help = "write it in one line, without quotes, or mount it as a config or secret";
                return Some(("an unclosed quote is part", Help::Text(help)));
            }
            _ => {}
        }
    }
    if let Some(at) = comment(value) {
        return Some(("the comment is part", Help::Value(value[..at].trim_end())));
    }
    let has_variable = value.match_indices("${").any(|(at, _)| is_variable(&value[at + 2..]));
    let help = "write it under `environment`, where variables are replaced";
    has_variable.then_some(("a variable is not replaced and is part", Help::Text(help)))
}

/// The start of a comment after a value, as Compose reads it.
fn comment(value: &str) -> Option<usize> {
    let begins = |at: usize| value[..at].ends_with([' ', '\t']) && value[at + 1..].starts_with([' ', '\t']);
    value.match_indices('#').map(|(at, _)| at).find(|&at| begins(at))
}

fn is_comment(text: &str) -> bool {
    text.starts_with([' ', '\t'])
        && text.trim_start().strip_prefix('#').is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// Whether a name followed by a closing brace or an operator comes next.
fn is_variable(rest: &str) -> bool {
    let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    name > 0 && !rest.starts_with(|c: char| c.is_ascii_digit()) && rest[name..].starts_with(['}', ':', '-', '?', '+'])
}
