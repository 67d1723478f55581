use super::missing_file::described;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::revision::Revision;
use crate::stack::file::{Reference, ReferenceKind};
use crate::text;

rule! {
    /// A file that the stack file refers to was not read.
    ///
    /// `env_file`s, configs, secrets and Dockerfiles are read and checked before anything is built. A file above
    /// skep's size limit is not read, and nothing is deployed unchecked.
    ///
    /// ```yaml bad with unread-web/Dockerfile
    /// services:
    ///   web: { build: ./web }
    /// ```
    ///
    /// ```yaml good with web/Dockerfile
    /// services:
    ///   web: { build: ./web }
    /// ```
    "SK1015", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let references = subject.file.references();
    references
        .iter()
        .filter(|reference| is_unread(reference, subject.revision))
        .map(|reference| {
            let path = text::cut(reference.path.as_str());
            Found::new(&reference.span, format!("{} `{path}` was not read: it is too large", described(reference.what)))
                .help("make it smaller, or put it in the image or a volume")
        })
        .collect()
}

fn is_unread(reference: &Reference, revision: &Revision) -> bool {
    reference.what != ReferenceKind::Context
        && revision.readable(&reference.path).is_ok()
        && !revision.texts.contains_key(&reference.path)
}
