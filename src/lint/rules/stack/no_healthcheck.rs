use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// A service has no health check.
    ///
    /// Swarm then takes it for healthy as soon as its process runs: an update goes on, and the old version is gone,
    /// before the new one answers. The image may bring a check of its own, which is not seen from here.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     healthcheck: { test: curl -fsS http://localhost/ }
    /// ```
    "SK3001", Info, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let unchecked = subject.file.services.iter().filter(|(_, service)| {
        service.healthcheck.is_none() && !is_job(service) && !is_checked_by_image(service, subject)
    });
    unchecked
        .map(|(name, service)| {
            Found::new(&service.span, format!("nothing checks whether `{name}` is healthy"))
                .help("add a `healthcheck:` that fails until it serves")
        })
        .collect()
}

fn is_job(service: &Service) -> bool {
    matches!(service.deploy.mode.value, Mode::ReplicatedJob(_) | Mode::GlobalJob)
}

fn is_checked_by_image(service: &Service, subject: &StackSubject<'_>) -> bool {
    let dockerfile = service.build.as_ref().and_then(|build| subject.dockerfiles.get(&build.dockerfile.value));
    dockerfile.is_some_and(|file| file.instructions.iter().any(|one| one.keyword == Keyword::Healthcheck))
}
