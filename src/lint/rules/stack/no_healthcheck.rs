use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::Mode;
use crate::stack::file::Service;

rule! {
    /// A service has no health check.
    ///
    /// Swarm then considers it healthy as soon as its process runs: an update continues, and removes the old version,
    /// before the new one is ready. The image may have its own check, which the linter cannot see.
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
                .help("add a `healthcheck:` that fails until the service is ready")
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
