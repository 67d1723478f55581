use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// A job says how it is updated.
    ///
    /// A job runs to its end and is not replaced task by task. Swarm refuses `update_config` and `rollback_config` in it.
    ///
    /// ```yaml bad
    /// services:
    ///   migrate:
    ///     image: shop:1
    ///     deploy: { mode: replicated-job, update_config: { order: start-first } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   migrate:
    ///     image: shop:1
    ///     deploy: { mode: replicated-job }
    /// ```
    "SK1024", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.values().filter(|service| is_job(service)).filter_map(updated).collect()
}

/// Whether a service runs to an end.
pub(super) fn is_job(service: &Service) -> bool {
    matches!(service.deploy.mode.value, Mode::ReplicatedJob(_) | Mode::GlobalJob)
}

fn updated(service: &Service) -> Option<Found> {
    let config = service.deploy.update_config.as_ref().or(service.deploy.rollback_config.as_ref())?;
    Some(Found::new(&config.span, "a job is not updated, and Swarm refuses to be told how").help("remove it"))
}
