use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// After a fixed number of failures ever, a task is no longer restarted.
    ///
    /// `max_attempts` counts within `window`. Without one it counts for ever: after that many failures, however far apart,
    /// the service stays down until it is deployed again.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { restart_policy: { condition: any, max_attempts: 3 } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { restart_policy: { condition: any, max_attempts: 3, window: 5m } }
    ///   migrate:
    ///     image: shop:1
    ///     deploy: { restart_policy: { condition: on-failure, max_attempts: 3 } }
    /// ```
    "SK3006", Info, Stack(check), Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = subject.file.services.values().filter(|service| !super::job_update::is_job(service));
    let policies = services.filter_map(|service| service.deploy.restart_policy.as_ref());
    // A task that is restarted only after a failure may be meant to end.
    let endless = policies.filter(|policy| matches!(policy.condition.as_str(), "" | "any") && policy.window.is_none());
    endless
        .filter_map(|policy| {
            let count = policy.max_attempts.filter(|count| *count != 0)?;
            let message = format!("after {count} failures, however far apart, a task is no longer restarted");
            Some(Found::new(&policy.span, message).help("add `window: 5m`, or remove `max_attempts`"))
        })
        .collect()
}
