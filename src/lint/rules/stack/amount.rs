use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Service, Spanned};
use crate::stack::{Healthcheck, Nanos, Resources};

rule! {
    /// An amount is below Swarm's minimum.
    ///
    /// The minimum is 4 MiB of memory and a thousandth of a processor for a task, and a millisecond for durations of a health
    /// check. The usual reason is a missing unit: `memory: 512` is 512 bytes.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { resources: { limits: { memory: 512 } } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { resources: { limits: { memory: 512M, cpus: "0.5" } } }
    /// ```
    "SK1020", Error, Stack(check), Holds, Deploys
}

const LEAST_MEMORY: i64 = 4 << 20;
const LEAST_CPUS: i64 = 1_000_000;
const LEAST_TIME: Nanos = Nanos(1_000_000);

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().flat_map(of_service).collect()
}

fn of_service(service: &Service) -> Vec<Found> {
    let amounts = [&service.deploy.limits, &service.deploy.reservations].into_iter().flatten();
    amounts.flat_map(small).chain(service.healthcheck.iter().filter_map(short)).collect()
}

fn small(amounts: &Spanned<Resources>) -> Vec<Found> {
    let memory = (amounts.memory != 0 && amounts.memory < LEAST_MEMORY).then(|| {
        Found::new(&amounts.span, format!("{} bytes of memory are too few: Swarm's minimum is 4 MiB", amounts.memory))
            .help("add the unit, for example `512M`")
    });
    let cpus = (amounts.nano_cpus != 0 && amounts.nano_cpus < LEAST_CPUS).then(|| {
        Found::new(&amounts.span, "this share of a processor is too small: Swarm's minimum is 0.001")
            .help("write it like `0.5`")
    });
    memory.into_iter().chain(cpus).collect()
}

fn short(check: &Spanned<Healthcheck>) -> Option<Found> {
    let times = [check.interval, check.timeout, check.start_period, check.start_interval];
    let short = times.into_iter().flatten().find(|time| time.0 != 0 && *time < LEAST_TIME)?;
    let message = format!("{short} is too short: Swarm's minimum is 1ms");
    Some(Found::new(&check.span, message).help("write it like `10s`"))
}
