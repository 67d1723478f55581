use crate::lint::rule::rule;

rule! {
    /// Something in the swarm may become an obstacle for the stack.
    ///
    /// For example, a network is almost full. Checked with `skep lint --live` only.
    "SK8002", Info, Swarm(())
}
