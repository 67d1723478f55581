use crate::lint::rule::rule;

rule! {
    /// The settings of the linter are not understood.
    ///
    /// `skep-lint.yaml` or `.hadolint.yaml` has a key, a level or a value in it that means nothing. What is understood of it counts all
    /// the same; what is not might be what was meant to be switched off, so nothing passes until it is right.
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
