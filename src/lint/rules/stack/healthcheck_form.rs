use crate::diagnostic::{Fix, Severity};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Healthcheck;
use crate::stack::file::Spanned;
use crate::text;

rule! {
    /// The list of a health check does not say what it is.
    ///
    /// The first word of a list is `CMD` (a command and its words), `CMD-SHELL` (one text for the shell) or `NONE`. With
    /// anything else no check is ever made, and the task stays in the state `starting` until it is given up. Of several
    /// texts behind `CMD-SHELL` only the first is run, which is a warning.
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
            Some(Found::new(&check.span, format!("nothing stands behind `{first}`")).help("write the command there"))
        }
        (first, [line]) if first == "CMD" && line.contains(' ') && !line.starts_with('/') => {
            let message = "this is one word to `CMD`: there is no program of this name";
            let found = Found::new(&check.span, message).help("write CMD-SHELL, or each word of its own");
            Some(found.fix(fix(check, subject, "CMD", "CMD-SHELL")))
        }
        (first, rest) if first == "CMD-SHELL" && rest.len() > 1 => {
            let message = "`CMD-SHELL` takes one text, and runs the first of these alone";
            // That one is a command, which may well be enough.
            Some(Found::new(&check.span, message).help("write CMD, or one text").severity(Severity::Warning))
        }
        (first, _) if ["CMD", "CMD-SHELL", "NONE"].contains(&first.as_str()) => None,
        (first, _) => {
            let message = format!("a list begins with CMD, CMD-SHELL or NONE, and not with `{}`", text::cut(first));
            let found = Found::new(&check.span, message).help("write CMD before it");
            Some(found.fix(fix(check, subject, first, "")))
        }
    }
}

/// Writes `CMD` before the first word, or another word in its place.
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
        "" => Some(Fix::safe("write `CMD` before it").insert(at, format!("{quote}CMD{quote}, "))),
        word => Some(Fix::safe(format!("write `{word}`")).replace(&(at + 1..at + 1 + first.len()), word)),
    }
}
