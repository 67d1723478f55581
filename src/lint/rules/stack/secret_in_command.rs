use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::mask;
use crate::stack::file::{Service, Spanned};
use crate::text;

rule! {
    /// A password is in the command of a service.
    ///
    /// Everybody who can read the repository or inspect the service can read it, and so can every process of the
    /// node that lists processes. Most programs can read it from a file or a variable instead.
    ///
    /// ```yaml bad
    /// services:
    ///   cache:
    ///     image: redis:7.4
    ///     command: redis-server --requirepass hunter2
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   cache:
    ///     image: redis:7.4
    ///     command: redis-server --requirepass "${PASS:-hunter2}"
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
    ///   etcd:
    ///     image: quay.io/coreos/etcd:v3.5.16
    ///     command: etcd --name one --initial-cluster-token shop --initial-cluster-state new
    /// secrets: { password: { external: true } }
    /// ```
    "SK6004", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(|service| told(service, subject)).collect()
}

fn told(service: &Service, subject: &StackSubject<'_>) -> Option<Found> {
    let commands = [&service.command, &service.entrypoint].into_iter().flatten();
    commands.into_iter().find_map(|command| {
        let written = String::from_utf8_lossy(subject.file.sources.text(&command.span));
        // Values of variables come from elsewhere, but their defaults are in the file.
        let stands_here = !written.contains('$') || !mask::secrets(&written).is_empty();
        let option = secret(command).filter(|_| stands_here)?;
        let message = format!("the value of `--{option}` is readable by everybody who can read this file");
        Some(Found::new(&command.span, message).help("read it from a secret, as a file below /run/secrets"))
    })
}

/// The option whose value is a secret.
fn secret(command: &Spanned<Vec<String>>) -> Option<std::borrow::Cow<'_, str>> {
    let words: Vec<&str> = command.iter().flat_map(|word| word.split_whitespace()).collect();
    words.iter().enumerate().find_map(|(index, word)| {
        let option = word.strip_prefix("--")?;
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value),
            None => (option, words.get(index + 1).copied().unwrap_or_default()),
        };
        let is_value = mask::is_plain(value) && !value.starts_with('-');
        (mask::is_secret_option(name) && is_value).then(|| text::cut(name))
    })
}
