use crate::lint::rule::rule;

rule! {
    /// The number of managers of the swarm has no benefit over a smaller one.
    ///
    /// More than half of the managers must agree. So four managers tolerate the loss of one, like three, and two tolerate none, like
    /// one; with more than seven every change takes longer. Three or five are usual. Checked with
    /// `skep lint --live` only.
    "SK8003", Info, Swarm(())
}
