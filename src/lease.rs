//! Write access to the swarm and skep's records: only code with a [`Lease`] has it.

/// The right to change the swarm and skep's records. Each write of the edges `swarm` and `store` takes one, so that the
/// compiler lists every place that writes. Cheap to clone.
///
/// It always holds today: one controller runs in a swarm, or in a scope of it (`controller/registration.rs` sees to
/// that), and a command takes a lease only where no controller runs (`cli/performer.rs`). What needs none: a request
/// that is submitted to the controller, the secrets that such a request brings along, and the registration of the
/// controller itself.
#[derive(Debug, Clone)]
pub struct Lease(());

impl Lease {
    /// The lease of the controller, which has registered itself as the only one.
    pub fn of_controller() -> Self {
        Self(())
    }

    /// The lease of a command in a swarm without a controller, or of one that writes like `docker stack deploy`.
    pub fn of_command() -> Self {
        Self(())
    }
}
