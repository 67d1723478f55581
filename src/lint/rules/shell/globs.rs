//! Words in which a shell expands patterns.

use crate::lint::shell::{Script, Word};

/// The words of all commands and loops of a script, and the values of its variables.
pub(super) fn unquoted<'a>(script: &'a Script<'a>) -> Vec<&'a Word> {
    let commands = script.commands().iter();
    let words = commands.flat_map(|command| {
        let values = command.assignments.iter().map(|assignment| &assignment.value);
        command.words.iter().chain(values)
    });
    let items = script.code.loops.iter().filter_map(|one| one.words.as_ref()).flatten();
    words.chain(items).collect()
}
