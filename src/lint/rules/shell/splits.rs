//! Where a shell splits the results of expansions.

use crate::lint::shell::{Expansion, Role, Script, Word};

/// Commands whose arguments are assignments, which only `sh` splits.
const DECLARING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

/// Whether the result of an expansion is split at spaces.
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

/// Whether the expansion is the whole name of a command (`$COMMAND argument`), where splitting is intended.
fn is_whole_name(script: &Script<'_>, expansion: &Expansion) -> bool {
    let command = expansion.command.map(|command| &script.commands()[command]);
    command.and_then(|command| command.words.first()).is_none_or(|word| word.span == expansion.span)
}

fn is_declared(script: &Script<'_>, expansion: &Expansion) -> bool {
    expansion.command.is_some_and(|command| script.commands()[command].is(&DECLARING))
}

/// Whether the expansion is the name of a program, as in `exec $program …`.
fn is_executed(script: &Script<'_>, expansion: &Expansion) -> bool {
    let command = expansion.command.map(|command| &script.commands()[command]);
    let is_program = |words: &[Word]| matches!(words, [exec, program, ..] if ["command", "exec"].contains(&exec.text.as_str()) && program.span == expansion.span);
    command.is_some_and(|command| is_program(&command.words))
}
