use crate::lint::rule::rule;

rule! {
    /// A comment disables a rule for an instruction.
    ///
    /// For repositories that keep all exceptions in the settings. Off by default.
    ///
    /// ```dockerfile bad
    /// # hadolint ignore=DL3006
    /// FROM node
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ```
    "DL1001", Info, Own, Off
}
