use crate::lint::rule::rule;

rule! {
    /// The number of managers of the swarm is one that costs and brings nothing.
    ///
    /// More than half of the managers must agree. So four bear the loss of one, as three do, and two bear none, as one
    /// does; with more than seven every change takes longer. Three or five is the usual number. It is asked with
    /// `skep lint --live` only.
    "SK8003", Info, Swarm(())
}
