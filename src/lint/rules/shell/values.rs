//! Analysis of the values of a script's variables.

use std::collections::{BTreeMap, BTreeSet};

use crate::lint::shell::{ExpansionKind, Joint, PartKind, Script, Simple, Variables, Word};

/// Variables that a shell sets to a number.
const NUMBERS: [&str; 6] = ["PPID", "UID", "EUID", "RANDOM", "LINENO", "SECONDS"];

/// Commands that set the variables given as arguments.
const SETTING: [&str; 9] =
    ["read", "export", "local", "declare", "readonly", "typeset", "getopts", "mapfile", "printf"];

/// An assignment to a variable, or a use of its value.
enum Event<'a> {
    /// It is set to a word, or, after `&&` and `||`, possibly unchanged.
    Set(&'a str, &'a Word, bool),
    /// It is set to one of several words.
    Loop(&'a str, Option<&'a [Word]>),
    /// It is set to an unknown value.
    Read(&'a str),
    /// Its value is expanded: the number of the expansion.
    Use(usize),
}

/// The numbers of the expansions that certainly yield one word, because the variable was set to one before.
pub(super) fn single_words(script: &Script<'_>, variables: &Variables) -> BTreeSet<usize> {
    let is_named = |name: &str| NUMBERS.contains(&name) || variables.has(script, name);
    let mut single: BTreeMap<&str, bool> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for event in events(script) {
        match event {
            // An empty value is not a word, but if only one branch empties the variable, it may still contain one.
            Event::Set(name, word, _) if word.parts.is_empty() => {
                single.entry(name).or_insert_with(|| is_named(name));
            }
            Event::Set(name, word, may_stay) => {
                let was_single = single.get(name).copied().unwrap_or_else(|| is_named(name));
                single.insert(name, is_single(script, word, &found) && (was_single || !may_stay));
            }
            // Expansions in the list of a loop may be several words.
            Event::Loop(name, words) => {
                let is_one = |word: &Word| !word.has_expansion() && is_single(script, word, &found);
                single.insert(name, words.is_some_and(|words| words.iter().all(is_one)));
            }
            Event::Read(name) => drop(single.insert(name, false)),
            Event::Use(index) if is_sure(script, index, &single, is_named) => drop(found.insert(index)),
            Event::Use(_) => {}
        }
    }
    found
}

/// The events of a script, in the order of its text.
fn events<'a>(script: &'a Script<'a>) -> Vec<Event<'a>> {
    let uses = script.code.expansions.iter().enumerate();
    let mut events: Vec<(usize, Event<'_>)> = uses.map(|(index, one)| (one.span.start, Event::Use(index))).collect();
    for command in script.commands() {
        let lasts = command.words.is_empty() || command.is(&SETTING);
        let set = command.assignments.iter().filter(|_| lasts);
        let may_stay = matches!(script.code.pipelines[command.pipeline].before, Joint::And | Joint::Or);
        events.extend(set.map(|one| (one.span.end, Event::Set(&one.name, &one.value, may_stay))));
        events.extend(read(command).map(|word| (word.span.end, Event::Read(&word.text))));
    }
    for one in &script.code.loops {
        let end = one.words.as_ref().and_then(|words| words.last()).map_or(one.name_span.end, |word| word.span.end);
        events.push((end, Event::Loop(&one.name, one.words.as_deref())));
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(_, event)| event).collect()
}

/// The arguments in which `read` and the like name their variables.
fn read(command: &Simple) -> impl Iterator<Item = &Word> {
    let words = if command.is(&["read", "mapfile", "getopts"]) { command.arguments() } else { &[] };
    words.iter().filter(|word| !word.text.starts_with('-'))
}

/// Whether a word stays one word and contains no patterns.
fn is_single(script: &Script<'_>, word: &Word, found: &BTreeSet<usize>) -> bool {
    !word.parts.is_empty()
        && word.parts.iter().all(|part| match part.kind {
            PartKind::Expansion(index) => match &script.code.expansions[index].kind {
                ExpansionKind::Arithmetic => true,
                ExpansionKind::Parameter(_, operation) => operation.is_empty() && found.contains(&index),
                _ => false,
            },
            _ => !script.text(&part.span).contains([' ', '\t', '\n', '*', '?', '[']),
        })
}

/// Whether an expansion is one word. Parts of a single word, and defaults, count as one word.
fn is_sure(script: &Script<'_>, index: usize, single: &BTreeMap<&str, bool>, is_named: impl Fn(&str) -> bool) -> bool {
    match &script.code.expansions[index].kind {
        ExpansionKind::Parameter(name, _) => {
            let is_number = ["#", "?", "!", "$", "-"].contains(&name.as_str()) || name.starts_with('#');
            is_number || single.get(name.as_str()).copied().unwrap_or_else(|| is_named(name))
        }
        ExpansionKind::Arithmetic => true,
        _ => false,
    }
}

/// The variables that a script sets anywhere.
pub(super) fn assigned<'a>(script: &'a Script<'a>) -> BTreeSet<&'a str> {
    let mut names: BTreeSet<&str> = script.code.loops.iter().map(|one| one.name.as_str()).collect();
    for command in script.commands() {
        let lasts = command.words.is_empty() || command.is(&SETTING);
        names.extend(command.assignments.iter().filter(|_| lasts).map(|one| one.name.as_str()));
        let words = command.arguments().iter().filter(|_| command.is(&SETTING));
        names.extend(words.map(|word| word.text.as_str()));
    }
    names
}

/// The variables that a script tests for being set: `${name:-default}`, `[ -n "$name" ]`.
pub(super) fn asked<'a>(script: &'a Script<'a>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for expansion in &script.code.expansions {
        let ExpansionKind::Parameter(name, operation) = &expansion.kind else { continue };
        let command = expansion.command.map(|command| &script.commands()[command]);
        let has_default = operation.trim_start_matches(':').starts_with(['-', '=', '?', '+']);
        if has_default || command.is_some_and(|command| asks(command, name)) {
            names.insert(name.as_str());
        }
    }
    names
}

/// `[ -n "$name" ]`, `[ -z "$name" ]` or `[ "$name" ]`.
fn asks(command: &Simple, name: &str) -> bool {
    let texts: Vec<&str> = command.words.iter().take(5).map(|word| word.text.as_str()).collect();
    let (["[", "-n" | "-z", word, "]"] | ["[", word, "]"]) = texts.as_slice() else {
        return false;
    };
    word.trim_matches(['$', '{', '}']) == name
}
