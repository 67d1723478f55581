use super::databases::database;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Service;

rule! {
    /// The port of a database is published.
    ///
    /// It is open on every address of every node, whatever address precedes the port, and Docker's rules take precedence over
    /// those of most firewalls. Services of the stack can reach the database by its name, without a published port.
    ///
    /// ```yaml bad
    /// services:
    ///   db: { image: "postgres:17", ports: ["127.0.0.1:5432:5432"] }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db: { image: "postgres:17" }
    ///   search: { image: "elasticsearch:8.15.0", ports: [{ target: 9300, published: 9300 }] }
    /// ```
    "SK6007", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.services.iter().filter_map(|(name, service)| open(name.as_str(), service)).collect()
}

fn open(name: &str, service: &Service) -> Option<Found> {
    let (database, own) = database(service)?;
    let port = service.ports.iter().find(|port| port.target == own)?;
    let message = format!("{database} can be reached from outside, on every node of the swarm");
    Some(
        Found::new(&port.span, message)
            .help(format!("remove it: services of the stack can reach it as `{name}:{own}`")),
    )
}
