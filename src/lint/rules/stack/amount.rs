use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Service, Spanned};
use crate::stack::{Healthcheck, Nanos, Resources};

rule! {
    /// Swarm does not take so small an amount.
    ///
    /// A task may have no less than 4 MiB of memory and a thousandth of a processor, and lengths of time of a health
    /// check are no less than a millisecond. A unit that was forgotten is the usual reason: `memory: 512` is 512 bytes.
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
        Found::new(&amounts.span, format!("{} bytes of memory are too few: Swarm takes 4 MiB or more", amounts.memory))
            .help("write it with its unit, such as `512M`")
    });
    let cpus = (amounts.nano_cpus != 0 && amounts.nano_cpus < LEAST_CPUS).then(|| {
        Found::new(&amounts.span, "so small a part of a processor is not given: Swarm takes 0.001 or more")
            .help("write it as `0.5`")
    });
    memory.into_iter().chain(cpus).collect()
}

fn short(check: &Spanned<Healthcheck>) -> Option<Found> {
    let times = [check.interval, check.timeout, check.start_period, check.start_interval];
    let short = times.into_iter().flatten().find(|time| time.0 != 0 && *time < LEAST_TIME)?;
    let message = format!("{short} is too short: Swarm takes 1ms or more");
    Some(Found::new(&check.span, message).help("write it as `10s`"))
}
