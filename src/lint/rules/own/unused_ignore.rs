use crate::lint::rule::rule;

rule! {
    /// A comment disables a rule that has no finding there.
    ///
    /// The problem is gone, or the comment is in the wrong place. If it stays, it will hide the next mistake.
    ///
    /// ```yaml bad
    /// services:
    ///   # skep ignore=SK3003
    ///   web: { image: "nginx:1.27" }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   # skep ignore=SK3003 it is only for a day
    ///   web: { image: nginx }
    /// ```
    "SK0002", Warning, Own
}
