//! Image registries: logins, digests and manifests.
//!
//! Credentials are by host: a login goes with images of its own registry, and with no other ([`Logins`]). It comes from
//! the settings, or for the command that does as `docker stack deploy` does from Docker's own files ([`DockerLogins`]).
//! Nothing that a repository says chooses who receives one.
//!
//! Images that others make are asked for through the engine, which has the certificates and the mirrors of its own
//! settings; only what skep pushes is asked for directly ([`Registry`]).

mod client;
mod docker;
mod error;
mod login;

pub use self::client::{PATIENCE, Registry, innermost};
pub use self::docker::DockerLogins;
pub use self::error::Error;
pub use self::login::{HUB_LOGIN, Login, Logins};
