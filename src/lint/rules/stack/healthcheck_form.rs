use crate::diagnostic::{Fix, Severity};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Healthcheck;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// The list of a health check has no kind.
    ///
    /// The first item must be `CMD` (a command and its arguments), `CMD-SHELL` (one text for the shell) or `NONE`. With
    /// anything else no check is ever made, and the task stays in the state `starting` until the deadline. If several
    /// texts follow `CMD-SHELL`, only the first is run, which is a warning.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     healthcheck: { test: ["curl", "-f", "http://localhost/"] }
    /// ```
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     healthcheck: { test: ["CMD", "curl -f http://localhost/ || exit 1"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     healthcheck: { test: ["CMD", "curl", "-f", "http://localhost/"] }
    ///   db:
    ///     image: redis:7.4
    ///     healthcheck: { test: redis-cli ping }
    /// ```
    "SK1021", Error, Stack(check), Holds, Fixes, Deploys
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let checks = subject.file.services.values().filter_map(|service| service.healthcheck.as_ref());
    checks.filter_map(|check| wrong(check, subject)).collect()
}

fn wrong(check: &Spanned<Healthcheck>, subject: &StackSubject<'_>) -> Option<Found> {
    match check.test.split_first()? {
        (first, []) if first == "CMD" || first == "CMD-SHELL" => {
            Some(Found::new(&check.span, format!("nothing follows `{first}`")).help("add the command after it"))
        }
        (first, [line]) if first == "CMD" && line.contains(' ') && !line.starts_with('/') => {
            let message = "`CMD` takes this as the name of a single program";
            let found = Found::new(&check.span, message).help("write CMD-SHELL, or split the words into items");
            Some(found.fix(fix(check, subject, "CMD", "CMD-SHELL")))
        }
        (first, rest) if first == "CMD-SHELL" && rest.len() > 1 => {
            let message = "`CMD-SHELL` takes one text, and runs only the first of these";
            // The first text alone may be a sufficient command.
            Some(Found::new(&check.span, message).help("write CMD, or a single text").severity(Severity::Warning))
        }
        (first, _) if ["CMD", "CMD-SHELL", "NONE"].contains(&first.as_str()) => None,
        (first, _) => {
            let message = format!("the list must begin with CMD, CMD-SHELL or NONE, not with `{}`", text::cut(first));
            let found = Found::new(&check.span, message).help("put CMD before it");
            Some(found.fix(fix(check, subject, first, "")))
        }
    }
}

/// A fix that inserts `CMD` before the first word, or replaces that word.
fn fix(check: &Spanned<Healthcheck>, subject: &StackSubject<'_>, first: &str, instead: &str) -> Option<Fix> {
    let written = String::from_utf8_lossy(subject.file.sources.text(&check.span)).into_owned();
    let list = written.find("test")? + written[written.find("test")?..].find('[')? + 1;
    let rest = &written[list..];
    let word = list + (rest.len() - rest.trim_start().len());
    let quote = written[word..].chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let is_first = written[word + 1..].starts_with(&format!("{first}{quote}"));
    let at = check.span.start + word;
    match instead {
        _ if !is_first => None,
        "" => Some(Fix::safe("put `CMD` before it").insert(at, format!("{quote}CMD{quote}, "))),
        word => Some(Fix::safe(format!("write `{word}`")).replace(&(at + 1..at + 1 + first.len()), word)),
    }
}
