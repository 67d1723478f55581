//! Makes the checks of a stack's own: a request, a command in a container, a connection.
//!
//! It asks and tells what came back ([`Reply`]); what that means, and when it is asked, is said by [`crate::health`]. Every
//! question has a deadline, every answer a bound. Requests and connections go out from where this process runs, but not to
//! its own machine and the like ([`policy::barred`]): a name is looked up once, and what was looked at is connected to. A
//! command runs on the engine that is talked to, and nowhere else.

mod command;
mod http;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};

use crate::engine::Engine;
use crate::health::Reply;
use crate::policy;
use crate::stack::Nanos;
use crate::stack::check::{Check, Probe};

/// Who asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prober {
    engine: Engine,
    barred: fn(IpAddr) -> Option<&'static str>,
}

/// The service that a check belongs to.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its full name.
    pub name: String,
    /// The ids of the tasks that a command may be run in.
    pub tasks: BTreeSet<String>,
}

impl Prober {
    /// One who finds containers on this engine.
    pub fn new(engine: Engine) -> Self {
        Self { engine, barred: policy::barred }
    }

    /// One that asks at every address: for a person who can reach them anyway.
    #[must_use]
    pub fn unbarred(self) -> Self {
        Self { barred: |_| None, ..self }
    }

    /// Makes a check, once.
    pub async fn ask(&self, check: &Check, of: &Subject) -> Reply {
        let answer = async {
            match &check.probe {
                Probe::Http(probe) => self.get(probe).await,
                Probe::Command(words) => self.run(words, of).await,
                Probe::Tcp(address) => self.connect(address).await,
            }
        };
        let late = || Reply::Nothing(format!("no answer within {}", check.timeout));
        tokio::time::timeout(length(check.timeout), answer).await.unwrap_or_else(|_| late())
    }

    async fn connect(&self, address: &str) -> Reply {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let Ok(port) = port.parse() else { return Reply::Nothing(format!("`{address}` has no port")) };
        match self.addresses(host.trim_matches(['[', ']']), port).await {
            Ok(found) => match TcpStream::connect(found.as_slice()).await {
                Ok(_) => Reply::Connected,
                Err(error) => Reply::Nothing(error.to_string()),
            },
            Err(reply) => reply,
        }
    }

    /// The addresses of a host, all of which may be asked.
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Reply> {
        let found = lookup_host((host, port)).await.map_err(|_| Reply::NoSuchHost(host.to_owned()))?;
        let found: Vec<SocketAddr> = found.collect();
        let barred = found.iter().find_map(|address| Some((address.ip(), (self.barred)(address.ip())?)));
        match barred {
            Some((address, what)) => Err(Reply::Barred(address, what)),
            None => Ok(found),
        }
    }
}

fn length(time: Nanos) -> Duration {
    Duration::from_nanos(time.0.unsigned_abs())
}

#[cfg(test)]
mod tests;
