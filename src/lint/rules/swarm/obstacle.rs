use crate::lint::rule::rule;

rule! {
    /// Something in the swarm is an obstacle for the stack.
    ///
    /// A deploy would be refused: an external network, config or secret does not exist or belongs to
    /// another stack; another service publishes a port; no node satisfies a constraint or has a
    /// label; a reservation exceeds every node; a network has no free addresses; Swarm cannot change a mode; the
    /// contents of a config would have to change. Checked with `skep lint --live` only.
    "SK8001", Error, Swarm(())
}
