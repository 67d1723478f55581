use crate::lint::rule::rule;

rule! {
    /// The settings of the linter are invalid.
    ///
    /// `skep-lint.yaml` or `.hadolint.yaml` contains an unknown key, level or value. The valid parts still apply, but since the invalid
    /// part might have enabled a rule, nothing passes until it is corrected.
    ///
    /// ```yaml bad as skep-lint.yaml
    /// rules: { SK3001: never }
    /// ```
    ///
    /// ```yaml good as skep-lint.yaml
    /// rules: { SK3001: off }
    /// ignore: ["vendor/**"]
    /// ```
    "SK0001", Error, Own
}
