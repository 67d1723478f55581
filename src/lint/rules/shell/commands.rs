//! Helpers for rules about commands.

use crate::lint::rule::Found;
use crate::lint::shell::{Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

/// The scripts that run when this image is built.
pub(super) fn scripts<'a>(subject: &DockerfileSubject<'a>) -> impl Iterator<Item = &'a Script<'a>> {
    subject.scripts.iter().filter(|script| script.is_of_build())
}

/// The first finding in each `RUN`, including those after `ONBUILD`: one per layer is enough.
pub(super) fn first_in_each<'a>(
    subject: &DockerfileSubject<'a>,
    find: impl Fn(&'a Script<'a>, &'a Simple) -> Option<Found>,
) -> Vec<Found> {
    subject
        .scripts
        .iter()
        .filter_map(|script| script.commands().iter().find_map(|command| find(script, command)))
        .collect()
}

/// A finding about a word of a script.
pub(super) fn at(script: &Script<'_>, word: &Word, message: impl Into<String>) -> Found {
    Found::new(&script.place(&word.span), message)
}

/// A finding about the name of a command.
pub(super) fn at_name(script: &Script<'_>, command: &Simple, message: impl Into<String>) -> Found {
    at(script, command.name_word(), message)
}

/// A finding for each command with one of these names.
pub(super) fn named(
    subject: &DockerfileSubject<'_>,
    names: &[&str],
    say: fn(&str) -> String,
    help: &str,
) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        command.is(names).then(|| at_name(script, command, say(command.name())).help(help))
    })
}

/// Whether a cache or tmpfs is mounted at one of these paths.
pub(super) fn has_mount(script: &Script<'_>, targets: &[&str]) -> bool {
    let mounts = script.instruction.flags.iter().filter(|flag| flag.name == "mount");
    mounts.filter_map(|flag| flag.value.as_ref()).any(|value| is_mounted(&value.text, targets))
}

fn is_mounted(mount: &str, targets: &[&str]) -> bool {
    let options = || mount.split(',').filter_map(|option| option.split_once('='));
    let keeps = options().any(|(name, value)| name == "type" && ["cache", "tmpfs"].contains(&value));
    keeps
        && options().any(|(name, value)| {
            ["target", "dst", "destination"].contains(&name) && targets.contains(&value.trim_end_matches('/'))
        })
}

/// Whether a script removes one of these folders or its contents.
pub(super) fn removes(script: &Script<'_>, folders: &[&str]) -> bool {
    let is_one = |word: &Word| folders.iter().any(|folder| is_all_of(&word.text, folder));
    script.commands().iter().any(|command| command.is(&["rm"]) && command.arguments().iter().any(is_one))
}

/// Whether a path is the folder, a parent of it, or a pattern for all its contents.
fn is_all_of(path: &str, folder: &str) -> bool {
    let above = path.trim_end_matches('*').trim_end_matches('/');
    let is_above = above.len() > 1 && folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    is_above || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The targets of `--mount`s whose contents do not become part of the image.
pub(super) fn kept_out<'a>(script: &'a Script<'_>) -> Vec<&'a str> {
    let mounts = script.instruction.flags.iter().filter(|flag| flag.name == "mount");
    let values = mounts.filter_map(|flag| flag.value.as_ref()).map(|value| value.text.as_str());
    let is_out = |(name, kind): (&str, &str)| name == "type" && ["cache", "tmpfs"].contains(&kind);
    let out = values.filter(|value| mount_options(value).any(is_out));
    let is_target = |(name, _): &(&str, &str)| ["target", "dst", "destination"].contains(name);
    out.flat_map(|value| mount_options(value).filter(is_target)).map(|(_, target)| target).collect()
}

fn mount_options(mount: &str) -> impl Iterator<Item = (&str, &str)> {
    mount.split(',').filter_map(|option| option.split_once('='))
}

/// Whether a script removes a folder printed by a program: `rm -rf "$(yarn cache dir)"`.
pub(super) fn removes_named(script: &Script<'_>, program: &str) -> bool {
    let names_it = |word: &Word| {
        let inside = word.text.strip_prefix("$(").or_else(|| word.text.strip_prefix('`'));
        inside.is_some_and(|inside| inside.trim_start().starts_with(program))
    };
    script.commands().iter().any(|command| command.is(&["rm"]) && command.arguments().iter().any(names_it))
}

/// Whether a script runs `program verb …` after a command.
pub(super) fn runs_later(script: &Script<'_>, before: &Simple, verbs: &[&[&str]]) -> bool {
    let has = |command: &Simple, words: &[&str]| words.iter().all(|word| command.has(&[word]));
    let later = script.commands().iter().filter(|command| command.span.start > before.span.start);
    later.filter(|command| command.is(&[before.name()])).any(|command| verbs.iter().any(|words| has(command, words)))
}

/// The shell scripts, including those of `ONBUILD`, that could be parsed completely.
pub(super) fn shell_scripts<'a>(subject: &DockerfileSubject<'a>) -> impl Iterator<Item = &'a Script<'a>> {
    half_read(subject).filter(|script| script.code.problem.is_none())
}

/// The shell scripts, including those that could be parsed only in part.
pub(super) fn half_read<'a>(subject: &DockerfileSubject<'a>) -> impl Iterator<Item = &'a Script<'a>> {
    subject.scripts.iter().filter(|script| !script.is_list)
}

/// The findings in each command of the shell scripts.
pub(super) fn each_shell<'a>(
    subject: &DockerfileSubject<'a>,
    find: impl Fn(&'a Script<'a>, &'a Simple) -> Vec<Found>,
) -> Vec<Found> {
    let find = &find;
    shell_scripts(subject)
        .flat_map(|script| script.commands().iter().flat_map(move |command| find(script, command)))
        .collect()
}

/// Findings for the scripts that cannot be parsed for this reason.
pub(super) fn problems(subject: &DockerfileSubject<'_>, id: &str) -> Vec<Found> {
    half_read(subject)
        .filter_map(|script| Some((script, script.code.problem.as_ref()?)))
        .filter(|(_, problem)| problem.code == Some(id))
        .map(|(script, problem)| Found::new(&script.place(&problem.place), problem.message.clone()))
        .collect()
}

/// Whether a script ends when a command fails, by `set -e` or `SHELL`.
pub(super) fn stops_at_errors(script: &Script<'_>) -> bool {
    let is_flag =
        |text: &str| text.starts_with('-') && !text.starts_with("--") && text.contains('e') || text == "errexit";
    let sets = |command: &Simple| command.is(&["set"]) && command.arguments().iter().any(|word| is_flag(&word.text));
    script.shell.options.iter().any(|option| is_flag(option)) || script.commands().iter().any(sets)
}
