use crate::lint::rule::rule;

rule! {
    /// Something in the swarm may stand in the way of the stack later.
    ///
    /// A network that is almost full, for example. It is asked with `skep lint --live` only.
    "SK8002", Info, Swarm(())
}
