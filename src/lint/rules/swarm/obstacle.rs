use crate::lint::rule::rule;

rule! {
    /// Something in the swarm stands in the way of the stack.
    ///
    /// It is what a deploy is refused for: an external network, config or secret that does not exist, or belongs to
    /// another stack; a port that another service publishes; a constraint that no node meets, or a label that no node
    /// has; more set aside for a task than any node has; a network without addresses; a mode that Swarm cannot change; a
    /// config whose content would have to change. It is asked with `skep lint --live` only.
    "SK8001", Error, Swarm(())
}
