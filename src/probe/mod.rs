//! Makes a stack's own checks: a request, a command in a container, a connection.
//!
//! It makes a check and returns the raw result ([`Reply`]); [`crate::health`] evaluates it, and decides when checks are
//! due. Every check has a timeout, every response a size limit. Requests and connections are made from where this
//! process runs, but not to its own machine and the like ([`policy::barred`]): a name is resolved once, and exactly the
//! checked address is used. A command runs on the engine that skep is connected to, and nowhere else.

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

/// Makes checks. Cheap to clone.
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
    /// A prober that finds containers on this engine.
    pub fn new(engine: Engine) -> Self {
        Self { engine, barred: policy::barred }
    }

    /// Permits all addresses, for users who can reach them anyway.
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

    /// The addresses of a host, all of which must be allowed.
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
