use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

/// Those who only lint Dockerfiles are not asked for one.
pub(in crate::lint) const ID: &str = RULE.id;

rule! {
    /// Nothing in the repository is a stack.
    ///
    /// A repository is deployed because it has one: `stack.yml`, `docker-stack.yml`, `compose.yaml` or
    /// `docker-compose.yml` at its top; or several, as `stacks/<name>/stack.yml`, `<name>/docker-compose.yml` or
    /// `<name>.yml`. Where Compose files lie elsewhere, `skep.yml` at the top says which of them are stacks. `skep lint`
    /// warns if there are such files, and a push is refused.
    "SK1002", Error, Revision(check), Holds
}

/// How many files are told that could be stacks.
const MAX_TOLD: usize = 3;

fn check(revision: &Revision) -> Vec<Found> {
    // What is wrong with the list says why nothing is listed.
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
    let message = format!("none of the Compose files is where a stack is looked for: {}{more}", told.join(", "));
    let help = format!("say so in `skep.yml` at the top: `stacks: {{ NAME: {} }}`", first.path);
    vec![Found::new(&(0..0), message).help(help)]
}
