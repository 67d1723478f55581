use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// A job has update settings.
    ///
    /// A job runs until it ends and is not replaced task by task. Swarm refuses `update_config` and `rollback_config` for it.
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

/// Whether a service is a job.
pub(super) fn is_job(service: &Service) -> bool {
    matches!(service.deploy.mode.value, Mode::ReplicatedJob(_) | Mode::GlobalJob)
}

fn updated(service: &Service) -> Option<Found> {
    let config = service.deploy.update_config.as_ref().or(service.deploy.rollback_config.as_ref())?;
    Some(Found::new(&config.span, "Swarm refuses update settings for a job").help("remove it"))
}
