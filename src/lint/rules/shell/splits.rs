//! Where a shell splits what it fills in.

use crate::lint::shell::{Expansion, Role, Script, Word};

/// The commands whose arguments are assignments, which are not split but by `sh`.
const DECLARING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

/// Whether what is filled in here is split at its blanks.
pub(super) fn is_split(script: &Script<'_>, expansion: &Expansion) -> bool {
    if expansion.quoted {
        return false;
    }
    match expansion.role {
        Role::Argument => !is_executed(script, expansion),
        Role::Target => true,
        Role::Name => !is_whole_name(script, expansion),
        Role::Value => script.shell.name == "sh" && is_declared(script, expansion),
        Role::Item | Role::Whole => false,
    }
}

/// `$COMMAND argument`: who writes so means to have it split.
fn is_whole_name(script: &Script<'_>, expansion: &Expansion) -> bool {
    let command = expansion.command.map(|command| &script.commands()[command]);
    command.and_then(|command| command.words.first()).is_none_or(|word| word.span == expansion.span)
}

fn is_declared(script: &Script<'_>, expansion: &Expansion) -> bool {
    expansion.command.is_some_and(|command| script.commands()[command].is(&DECLARING))
}

/// `exec $program …` and the like: it is the name of a program.
fn is_executed(script: &Script<'_>, expansion: &Expansion) -> bool {
    let command = expansion.command.map(|command| &script.commands()[command]);
    let is_program = |words: &[Word]| matches!(words, [exec, program, ..] if ["command", "exec"].contains(&exec.text.as_str()) && program.span == expansion.span);
    command.is_some_and(|command| is_program(&command.words))
}
