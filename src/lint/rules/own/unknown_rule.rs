use crate::lint::rule::rule;

rule! {
    /// A comment or setting names a rule that does not exist or cannot be disabled.
    ///
    /// If the name is misspelt, the intended rule stays enabled. The errors from `SK1001` on mean that
    /// the stack cannot be deployed; disabling them would only delay the failure until the deploy. Rules of hadolint and `ShellCheck`
    /// that skep does not have may be named.
    ///
    /// ```yaml bad as skep-lint.yaml
    /// rules: { SK30001: off }
    /// ```
    ///
    /// ```yaml good as skep-lint.yaml
    /// rules: { SK3001: off, SC1091: off }
    /// ```
    "SK0003", Warning, Own
}
