use crate::lint::rule::rule;

rule! {
    /// The number of managers of the swarm is one that costs and brings nothing.
    ///
    /// More than half of the managers must agree. So four can lose one, as three can, and two can lose none, as one
    /// can; with more than seven every change takes longer. Three or five is the usual number. It is asked with
    /// `skep lint --live` only.
    "SK8003", Info, Swarm(())
}
