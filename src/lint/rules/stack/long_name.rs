use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::ObjectKind;

rule! {
    /// The name of a service, including the name of its stack, is too long.
    ///
    /// The service is named `<stack>_<service>` in Swarm, which allows at most 63 characters.
    ///
    /// ```yaml bad
    /// name: a-shop-with-a-very-long-name
    /// services:
    ///   the-service-that-sends-the-invoices: { image: "shop:1" }
    /// ```
    ///
    /// ```yaml good
    /// name: shop
    /// services:
    ///   the-service-that-sends-the-invoices: { image: "shop:1" }
    /// ```
    "SK1009", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(stack) = subject.name else { return Vec::new() };
    let max = ObjectKind::Service.longest();
    let length = |name: &str| stack.len() + 1 + name.len();
    let long = subject.file.services.iter().filter(|(name, _)| length(name.as_str()) > max);
    long.map(|(name, service)| {
        let message = format!("`{stack}_{name}` has {} characters; at most {max} are allowed", length(name.as_str()));
        Found::new(&service.span, message).help("shorten the name of the service or of the stack")
    })
    .collect()
}
