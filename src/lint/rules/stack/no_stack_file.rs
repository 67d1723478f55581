use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

/// Those who only lint Dockerfiles are not asked for one.
pub(in crate::lint) const ID: &str = RULE.id;

rule! {
    /// The repository has no stack file.
    ///
    /// A repository is deployed because it has one: `stack.yml`, `docker-stack.yml`, `compose.yaml` or
    /// `docker-compose.yml` at its top, or `stacks/<name>/stack.yml` for each of several stacks.
    "SK1002", Error, Revision(check)
}

fn check(revision: &Revision) -> Vec<Found> {
    if !revision.stack_files().is_empty() {
        return Vec::new();
    }
    let help = "add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, \
                or `stacks/<name>/stack.yml`";
    vec![Found::new(&(0..0), "there is no stack file, so there is nothing to deploy").help(help)]
}
