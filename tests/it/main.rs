//! What people see: the commands, the files that are shipped, and stories of releases over the simulated swarm.
//!
//! One binary, because it links once. Nothing here needs an engine, but for the stories told again on a real one.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test starts processes, reads the clock, and fails by panicking"
)]

mod cli;
mod command;
mod commit;
mod formats;
mod gitea;
mod gitlab;
mod harness;
mod hostile;
mod scenario;
mod shipped;
