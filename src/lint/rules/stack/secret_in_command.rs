use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::lint::suggest;
use crate::stack::file::{Service, Spanned};

rule! {
    /// A password stands in the command of a service.
    ///
    /// Everybody who can read the repository has it, everybody who may inspect the service, and every process of the
    /// node that lists the others. Most programs read it from a file or a variable as well.
    ///
    /// ```yaml bad
    /// services:
    ///   cache:
    ///     image: redis:7.4
    ///     command: redis-server --requirepass hunter2
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   cache:
    ///     image: redis:7.4
    ///     command: ["sh", "-c", 'exec redis-server --requirepass "$$(cat /run/secrets/password)"']
    ///     secrets: [password]
    ///   shop:
    ///     image: shop:1
    ///     command: [--password-file, /run/secrets/password, "--token=${TOKEN:-}"]
    /// secrets: { password: { external: true } }
    /// ```
    "SK6004", Warning, Stack(check)
}

/// Options whose value is a secret.
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

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(|service| told(service, subject)).collect()
}

fn told(service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let commands = [&service.command, &service.entrypoint].into_iter().flatten();
    commands.into_iter().find_map(|command| {
        // What was filled in from elsewhere does not stand here.
        let is_written = !subject.file.sources.text(&command.span).contains(&b'$');
        let option = secret(command).filter(|_| is_written)?;
        let message = format!("the value of `--{option}` is readable by everybody who can read this file");
        Some(Found::new(&command.span, message).help("read it from a secret, as a file below /run/secrets"))
    })
}

/// The option that has a secret behind it.
fn secret(command: &Spanned<Vec<String>>) -> Option<std::borrow::Cow<'_, str>> {
    let words: Vec<&str> = command.iter().flat_map(|word| word.split_whitespace()).collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let option = word.strip_prefix("--")?;
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value),
            None => (option, words.get(index + 1).copied().unwrap_or_default()),
        };
        let name_lower = name.to_ascii_lowercase();
        let last = name_lower.rsplit('.').next().unwrap_or_default();
        let is_secret = OPTIONS.iter().any(|known| last == *known || last.ends_with(&format!("-{known}")));
        let is_value = value.len() > 2 && !value.starts_with(['-', '/', '<']) && !["true", "false"].contains(&value);
        (is_secret && is_value).then(|| suggest::cut(name))
    })
}
