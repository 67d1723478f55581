use crate::diagnostic::Span;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;
use crate::stack::{Healthcheck, Nanos, Settings};

rule! {
    /// The deadline of a release is shorter than its health check needs.
    ///
    /// The engine declares a task unhealthy only after `start_period` and `retries` times `interval`. If
    /// `x-skep.deadline` is shorter, a service that starts as slowly as its health check allows is rolled back; if it is
    /// shorter than the time until the first check, no release can become healthy. The defaults are `interval: 30s`,
    /// `retries: 3`, no `start_period`, and a deadline of ten minutes.
    ///
    /// ```yaml bad
    /// x-skep: { deadline: 1m }
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     healthcheck: { test: curl localhost, interval: 10s, start_period: 2m }
    /// ```
    ///
    /// ```yaml good
    /// x-skep: { deadline: 5m }
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     healthcheck: { test: curl localhost, interval: 10s, start_period: 2m }
    /// ```
    "SK3004", Warning, Stack(check), Whole
}

/// The engine's default.
const INTERVAL: Nanos = Nanos::seconds(30);
const RETRIES: u64 = 3;

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.file.read_mode.as_written {
        return Vec::new();
    }
    let services = subject.file.services.values();
    services
        .filter_map(|service| late(service, &subject.file.settings))
        .map(|(span, message, help)| Found::new(&span, message).help(help))
        .collect()
}

fn late(service: &Service, settings: &Settings) -> Option<(Span, String, String)> {
    let check = service.healthcheck.as_ref().filter(|check| check.test.first().is_none_or(|word| word != "NONE"))?;
    let (deadline, needed) = (settings.deadline, decided(check));
    let first = first(check);
    let span = check.span.clone();
    if first >= deadline {
        let message = format!("the first check is made after {first}, but the deadline of the release is {deadline}");
        return Some((span, message, "shorten `interval`, or increase `x-skep.deadline`".to_owned()));
    }
    (needed > deadline).then(|| {
        let message = format!("this check may take {needed} to decide, but the deadline of the release is {deadline}");
        (span, message, format!("write `x-skep: {{ deadline: {} }}` or more, or shorten the check", rounded(needed)))
    })
}

/// The time until the first check.
fn first(check: &Healthcheck) -> Nanos {
    let interval = check.interval.filter(|time| time.0 != 0).unwrap_or(INTERVAL);
    match (check.start_period, check.start_interval) {
        (Some(period), Some(start)) if period.0 > 0 && start.0 > 0 => start.min(interval),
        _ => interval,
    }
}

/// The time until a task that never becomes healthy is declared unhealthy.
fn decided(check: &Healthcheck) -> Nanos {
    let interval = check.interval.filter(|time| time.0 != 0).unwrap_or(INTERVAL);
    let retries = check.retries.filter(|count| *count != 0).unwrap_or(RETRIES);
    let tries = interval.0.saturating_mul(i64::try_from(retries).unwrap_or(i64::MAX));
    Nanos(check.start_period.unwrap_or_default().0.saturating_add(tries))
}

/// Rounds up to whole minutes and adds one for the start.
fn rounded(time: Nanos) -> Nanos {
    const MINUTE: i64 = 60_000_000_000;
    Nanos((time.0 / MINUTE).saturating_add(2).saturating_mul(MINUTE))
}
