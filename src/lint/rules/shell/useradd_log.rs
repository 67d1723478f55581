use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::shell::Simple;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `useradd` with a high user id makes the image large.
    ///
    /// It writes to `/var/log/lastlog` and `faillog` at an offset that grows with the user id: gigabytes of
    /// zeros, which Docker stores in full.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN useradd -u 1000000 app
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN useradd --no-log-init -u 1000000 app
    /// ```
    "DL3046", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        let value = command.is(&["useradd"]).then(|| number(command))??;
        if value.len() <= 5 || command.has_flag("no-log-init", 'l') {
            return None;
        }
        Some(at_name(script, command, "the size of the login log grows with the user id").help("add `--no-log-init`"))
    })
}

/// The value of `-u`.
fn number(command: &Simple) -> Option<&str> {
    let words = command.arguments();
    let at = words.iter().position(|word| is_flag(&word.text))?;
    let flag = words[at].text.as_str();
    let value = flag.strip_prefix("--uid=").or_else(|| flag.strip_prefix("-u").filter(|value| !value.is_empty()));
    let value = value.or_else(|| words.get(at + 1).map(|word| word.text.as_str()))?;
    value.bytes().all(|byte| byte.is_ascii_digit()).then_some(value)
}

fn is_flag(flag: &str) -> bool {
    let is_last_letter = !flag.starts_with("--") && flag.starts_with('-') && flag.ends_with('u');
    is_last_letter || flag.starts_with("-u") || flag == "--uid" || flag.starts_with("--uid=")
}
