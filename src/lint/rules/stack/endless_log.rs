use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;

rule! {
    /// The log of a container grows until the disk is full.
    ///
    /// Docker's default driver, `json-file`, keeps everything unless `max-size` is set. The engine's own settings may
    /// set it for all containers, which the linter cannot see. Off by default.
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
    ///     logging: { driver: json-file, options: { max-size: 10m, max-file: "3" } }
    ///   db:
    ///     image: postgres:17
    ///     logging: { driver: journald }
    /// ```
    "SK3011", Info, Stack(check), Off, Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let endless = subject.file.services.iter().filter(|(_, service)| is_endless(service));
    endless
        .map(|(name, service)| {
            Found::new(&service.span, format!("the log of `{name}` grows until the disk is full"))
                .help("add `logging: { driver: json-file, options: { max-size: 10m, max-file: \"3\" } }`")
        })
        .collect()
}

fn is_endless(service: &Service) -> bool {
    service
        .logging
        .as_ref()
        .is_none_or(|logging| logging.driver == "json-file" && !logging.options.contains_key("max-size"))
}
