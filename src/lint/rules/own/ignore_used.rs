use crate::lint::rule::rule;

rule! {
    /// A comment switches a rule off for an instruction.
    ///
    /// For who wants every exception in one place, in the settings: this rule is off until it is asked for.
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
