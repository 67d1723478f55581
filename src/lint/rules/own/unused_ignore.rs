use crate::lint::rule::rule;

rule! {
    /// A comment switches off a rule that finds nothing there.
    ///
    /// What it was about is gone, or the comment stands in the wrong place. Left where it is, it hides the next mistake.
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
