use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// A service may use all the memory of its node.
    ///
    /// One that leaks takes its neighbours with it: the kernel kills what it likes. With a limit it kills the one that
    /// is at fault. Off unless asked for, for most files have none.
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
