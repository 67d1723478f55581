use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// An update continues although new tasks fail.
    ///
    /// With `failure_action: continue` Swarm replaces every task by one that does not work. skep still rolls the stack back,
    /// but by then the service is down. Without the setting the update stops at the first failure.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { update_config: { failure_action: continue } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { update_config: { order: start-first } }
    /// ```
    "SK3013", Info, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let updates = subject.file.services.values().filter_map(|service| service.deploy.update_config.as_ref());
    updates
        .filter(|update| update.failure_action == "continue")
        .map(|update| {
            Found::new(&update.span, "every task is replaced, even if the new ones fail")
                .help("remove `failure_action`: the update then stops, and skep rolls it back")
        })
        .collect()
}
