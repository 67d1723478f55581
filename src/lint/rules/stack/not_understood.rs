use crate::lint::rule::{Found, rule};
use crate::lint::subject::Reading;
use crate::revision::MAX_VALUES;

rule! {
    /// The stack file is invalid.
    ///
    /// It is not valid YAML, or has an unknown key, an invalid value, or a setting that
    /// Docker Swarm refuses. Nothing of the file is deployed, so that a stack is never deployed in part.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { replicas: many }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy: { replicas: 2 }
    /// ```
    "SK1001", Error, Reading(check), Holds
}

fn check(reading: &Reading<'_>) -> Vec<Found> {
    match reading {
        Reading::TooLarge => {
            let message = "the stack file was not read: it is too large";
            vec![Found::new(&(0..0), message).help("a stack file is a few kilobytes of text")]
        }
        Reading::TooMany => {
            let message = format!(
                "it was not read: the stack files up to here, with the files that they name, have more than {MAX_VALUES} values together"
            );
            vec![Found::new(&(0..0), message).help("move some of the stacks to another repository")]
        }
        Reading::Problems(misfits) => misfits.iter().cloned().map(Found::from).collect(),
        Reading::Template(_) => Vec::new(),
    }
}
