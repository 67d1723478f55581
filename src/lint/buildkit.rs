//! The rules that correspond to BuildKit's own checks: `# check=skip=NAME` also disables them, and with `error=true`
//! they are errors.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::dockerfile::Dockerfile;
use crate::lint::rules;

/// The name of the check by the id of the rule: the page of a rule names it.
static CHECKS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let named = |comment: &'static str| {
        let (_, behind) = comment.split_once("BuildKit:")?;
        behind.split('`').nth(1)
    };
    rules().iter().filter_map(|rule| Some((rule.id, named(rule.comment)?))).collect()
});

/// Rules that find more than BuildKit's check of the same name, so that their findings need not fail a build.
const BROADER: [&str; 3] = ["DL3000", "DL3025", "DL3064"];

/// The rules that correspond to a check; `all` means all checks.
pub(super) fn rules_of(check: &str) -> impl Iterator<Item = &'static str> {
    CHECKS.iter().filter(move |(_, name)| check == "all" || **name == check).map(|(id, _)| *id)
}

/// Turns findings that fail a build into errors if the file has `# check=error=true`.
pub(super) fn heed(file: &Dockerfile, findings: &mut [Diagnostic]) {
    if !file.checks.is_error {
        return;
    }
    let is_on = |check: &str| {
        let experimental = &file.checks.experimental;
        check != "InvalidDefinitionDescription" || experimental.iter().any(|name| name == check || name == "all")
    };
    let ends = |rule: &str| !BROADER.contains(&rule) && CHECKS.get(rule).is_some_and(|check| is_on(check));
    findings.iter_mut().filter(|finding| ends(finding.id())).for_each(|finding| finding.severity = Severity::Error);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::dockerfile::checks::NAMES;

    #[test]
    fn pages_name_checks_that_there_are() {
        let unknown: Vec<_> = CHECKS.iter().filter(|(_, name)| !NAMES.contains(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let without: Vec<_> = NAMES.iter().filter(|name| rules_of(name).next().is_none()).collect();
        // Which platform an image is for, only its registry tells.
        assert_eq!(without, [&"InvalidBaseImagePlatform"]);
    }
}
