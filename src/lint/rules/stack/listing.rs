use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

rule! {
    /// The list of stacks in `skep.yml` is invalid, or names missing files.
    ///
    /// `skep.yml` at the top of a repository lists its stacks: a name and a file for each, files that it is merged
    /// over, and patterns in which a star matches the name. Nothing is deployed while the list has an error, so that no stack is
    /// forgotten.
    ///
    /// ```text
    /// stacks:
    ///   shop: { file: deploy/shop.yml, with: [base.yml] }
    ///   wiki: wiki/compose.yml
    ///   "*": "apps/*/docker-compose.yml"
    /// ```
    "SK1030", Error, Revision(check), Holds
}

fn check(revision: &Revision) -> Vec<Found> {
    revision.listing_misfits().into_iter().map(Found::from).collect()
}
