//! Commands, options and values that there are not, with what was probably meant.
//!
//! clap asks by a notion of its own whether a word is like another one; here it is asked as everywhere else.

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

use crate::diagnostic::suggest::nearest;

/// The same error, with the known word that is nearest to what was typed; `words` are those of the command line.
pub(super) fn asked(mut error: Error, command: &Command, words: impl Iterator<Item = String>) -> Error {
    let (typed, suggested) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        ErrorKind::InvalidValue => (ContextKind::InvalidValue, ContextKind::SuggestedValue),
        _ => return error,
    };
    let Some(ContextValue::String(typed)) = error.get(typed).cloned() else { return error };
    let known = known(&error, command, words);
    error.remove(suggested);
    if let Some(near) = nearest(&typed, known.iter().map(String::as_str)) {
        let near = near.to_owned();
        // A subcommand may be like several, an option and a value are like one.
        let is_list = suggested == ContextKind::SuggestedSubcommand;
        let value = if is_list { ContextValue::Strings(vec![near]) } else { ContextValue::String(near) };
        error.insert(suggested, value);
    }
    error
}

/// The words that could have stood where the wrong one does.
fn known(error: &Error, command: &Command, mut words: impl Iterator<Item = String>) -> Vec<String> {
    if let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue) {
        return values.clone();
    }
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    if error.kind() == ErrorKind::InvalidSubcommand {
        return visible.map(|command| command.get_name().to_owned()).collect();
    }
    let of = words.find_map(|word| command.find_subcommand(word)).unwrap_or(command);
    let options = of.get_arguments().chain(command.get_arguments()).filter_map(clap::Arg::get_long);
    options.map(|option| format!("--{option}")).collect()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    /// The line in which clap asks whether something else was meant.
    fn tip(words: &[&str]) -> String {
        let error = Cli::try_parse_from([&["skep"], words].concat()).unwrap_err();
        let error = asked(error, &Cli::command(), words.iter().map(ToString::to_string)).to_string();
        error.lines().find(|line| line.trim_start().starts_with("tip: a similar")).unwrap_or("no tip").trim().to_owned()
    }

    #[test]
    fn what_was_probably_meant_is_asked_as_everywhere_else() {
        let typed: [&[&str]; 6] = [
            &["stauts"],
            &["xyz"],
            &["deploy", "--confirm-removl"],
            &["plan", "--xyz"],
            &["plan", "--colr", "never"],
            &["plan", "--color", "nevr"],
        ];
        insta::assert_snapshot!(typed.map(tip).join("\n"), @"
        tip: a similar subcommand exists: 'status'
        no tip
        tip: a similar argument exists: '--confirm-removal'
        no tip
        tip: a similar argument exists: '--color'
        tip: a similar value exists: 'never'
        ");
    }
}
