use std::collections::BTreeSet;

use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::name::RepoPath;

rule! {
    /// Quotes in an `env_file` are part of the value.
    ///
    /// `docker stack deploy` takes what stands behind `=` as it is, and so does skep: `TOKEN="abc"` gives the program a value with
    /// quotes around it. `docker compose` and shells take them away, so a file that works there does not work here.
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

/// The files of variables of a stack.
pub(super) fn env_files<'a>(stack: &'a StackSubject<'_>) -> impl Iterator<Item = &'a RepoPath> {
    stack.file.services.values().flat_map(|service| &service.env_file).map(|file| &file.path.value)
}

/// A line of a file of variables: where it begins, its name and its value, as Docker reads it.
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
        let inner = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))?;
        let length = name.len() + 1 + value.len();
        let line = text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let name = suggest::cut(name);
        let message = format!("the quotes are part of the value of `{name}`");
        let found = Found::new(&(at + line..at + line + length), message).in_file(path.clone());
        Some(found.help(format!("write `{name}={}`", suggest::cut(inner))))
    };
    lines(text).filter_map(found).take(MAX_LOOKED_AT).collect()
}
