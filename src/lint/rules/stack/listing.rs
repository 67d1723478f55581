use crate::lint::rule::{Found, rule};
use crate::revision::Revision;

rule! {
    /// The list of stacks in `skep.yml` is not understood, or names what is not there.
    ///
    /// `skep.yml` at the top of a repository says which stacks it has: a name and a file for each, files that it is laid
    /// over, and patterns in which a star is the name. Nothing is deployed until all of it is right, so that no stack is
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
