use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// An update goes on although new tasks fail.
    ///
    /// With `failure_action: continue` Swarm replaces every task by one that does not work. skep rolls the stack back all
    /// the same, but by then nothing serves. Without it the update stops at the first that fails.
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
            Found::new(&update.span, "every task is replaced, also if the new ones fail")
                .help("leave `failure_action` out: the update then stops, and skep undoes it")
        })
        .collect()
}
