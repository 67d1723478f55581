//! Makes the checks of a stack's own: a request, a command in a container, a connection.
//!
//! It asks and tells what came back ([`Reply`]); what that means, and when it is asked, is said by [`crate::health`]. Every
//! question has a deadline, every answer a bound. Requests and connections go out from where this process runs; a
//! command runs on the engine that is talked to, and nowhere else.

mod command;
mod http;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::engine::Engine;
use crate::health::Reply;
use crate::stack::Nanos;
use crate::stack::check::{Check, Probe};

/// Who asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prober {
    engine: Engine,
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
        Self { engine }
    }

    /// Makes a check, once.
    pub async fn ask(&self, check: &Check, of: &Subject) -> Reply {
        let answer = async {
            match &check.probe {
                Probe::Http(probe) => http::get(probe).await,
                Probe::Command(words) => self.run(words, of).await,
                Probe::Tcp(address) => connect(address).await,
            }
        };
        let late = || Reply::Nothing(format!("no answer within {}", check.timeout));
        tokio::time::timeout(length(check.timeout), answer).await.unwrap_or_else(|_| late())
    }
}

async fn connect(address: &str) -> Reply {
    let found = match tokio::net::lookup_host(address).await {
        Ok(found) => found.collect::<Vec<_>>(),
        Err(_) => return Reply::NoSuchHost(host(address).to_owned()),
    };
    match TcpStream::connect(&found[..]).await {
        Ok(_) => Reply::Connected,
        Err(error) => Reply::Nothing(error.to_string()),
    }
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

fn length(time: Nanos) -> Duration {
    Duration::from_nanos(time.0.unsigned_abs())
}

#[cfg(test)]
mod tests;
