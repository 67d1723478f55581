use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Resources;
use crate::stack::file::{Service, Spanned};

rule! {
    /// A reservation exceeds its limit.
    ///
    /// Swarm reserves the amount on the node for the task alone, but the task is killed or throttled at its
    /// limit: the difference is wasted.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { resources: { limits: { memory: 256M }, reservations: { memory: 512M } } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { resources: { limits: { memory: 512M }, reservations: { memory: 256M } } }
    /// ```
    "SK3007", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter_map(lost).collect()
}

fn lost(service: &Service) -> Option<Found> {
    let (limits, reserved) = (service.deploy.limits.as_ref()?, service.deploy.reservations.as_ref()?);
    let exceeds = |of: fn(&Resources) -> i64| of(limits) != 0 && of(reserved) > of(limits);
    let what = match (exceeds(|amounts| amounts.memory), exceeds(|amounts| amounts.nano_cpus)) {
        (true, _) => "memory is",
        (_, true) => "of the processors is",
        _ => return None,
    };
    Some(found(reserved, what))
}

fn found(reserved: &Spanned<Resources>, what: &str) -> Found {
    Found::new(&reserved.span, format!("more {what} reserved for a task than it may use"))
        .help("lower the reservation, or increase the limit")
}
