use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// A service may use all the memory of its node.
    ///
    /// A memory leak then affects its neighbours, because the kernel may kill any process. With a limit it kills the process
    /// that leaks. Off by default, because most files have no limits.
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
    ///     deploy: { resources: { limits: { memory: 256M } } }
    /// ```
    "SK3010", Info, Stack(check), Off, Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = subject.file.services.iter();
    let unlimited = services.filter(|(_, one)| one.deploy.limits.as_ref().is_none_or(|limits| limits.memory == 0));
    unlimited
        .map(|(name, service)| {
            Found::new(&service.span, format!("`{name}` may use all the memory of its node"))
                .help("add `deploy: { resources: { limits: { memory: 256M } } }`")
        })
        .collect()
}
