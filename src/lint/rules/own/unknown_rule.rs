use crate::lint::rule::rule;

rule! {
    /// A comment or a setting names a rule that does not exist, or that is not switched off.
    ///
    /// It is misspelt, so that the rule that was meant counts as before. The errors from `SK1001` on say that
    /// nothing can be deployed; to switch them off would only move the failure to the deploy. Rules of hadolint and of `ShellCheck`
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
