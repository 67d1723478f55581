use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;

rule! {
    /// The stack file has no services.
    ///
    /// There is nothing to deploy, and everything that the stack runs now would be removed. To remove a stack, use
    /// `skep remove`.
    ///
    /// ```yaml bad
    /// networks: { front: {} }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    "SK1014", Error, Stack(check), Holds, Deploys, Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if !subject.file.services.is_empty() {
        return Vec::new();
    }
    let message = if subject.file.tree.entries().is_empty() {
        "the stack file is empty"
    } else {
        "the stack file has no services"
    };
    vec![Found::new(&(0..0), message).help("add `services:` with a name and an image for each")]
}
