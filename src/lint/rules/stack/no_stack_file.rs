use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

/// The id of the rule, which is skipped when only Dockerfiles are linted.
pub(in crate::lint) const ID: &str = RULE.id;

rule! {
    /// The repository has no stack.
    ///
    /// A stack is `stack.yml`, `docker-stack.yml`, `compose.yaml` or
    /// `docker-compose.yml` at the top of the repository; several stacks are `stacks/<name>/stack.yml`, `<name>/docker-compose.yml` or
    /// `<name>.yml`. If Compose files are elsewhere, `skep.yml` at the top lists the stacks among them. `skep lint`
    /// warns if there are such files, and a push is refused.
    "SK1002", Error, Revision(check), Holds
}

/// The most files that the message names as possible stacks.
const MAX_TOLD: usize = 3;

fn check(revision: &Revision) -> Vec<Found> {
    // Errors of the list already explain why there are no stacks.
    if !revision.stack_files().is_empty() || !revision.listing_misfits().is_empty() {
        return Vec::new();
    }
    let others = revision.other_files();
    let Some(first) = others.first() else {
        let help = "add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, \
                    or `stacks/<name>/stack.yml`";
        return vec![Found::new(&(0..0), "there is no stack file, so there is nothing to deploy").help(help)];
    };
    let told: Vec<String> = others.iter().take(MAX_TOLD).map(|source| format!("`{}`", source.path)).collect();
    let more = if others.len() > MAX_TOLD { format!(" and {} more", others.len() - MAX_TOLD) } else { String::new() };
    let message = format!("none of the Compose files is in a place for stacks: {}{more}", told.join(", "));
    let help = format!("list them in `skep.yml` at the top: `stacks: {{ NAME: {} }}`", first.path);
    vec![Found::new(&(0..0), message).help(help)]
}
