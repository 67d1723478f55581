use super::missing_file::described;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::revision::Unreadable;
use crate::stack::file::Reference;
use crate::text;

rule! {
    /// A file that the stack file refers to is a symbolic link or in a submodule.
    ///
    /// skep does not follow links, because a link may lead out of the repository to any file of the machine that skep runs on, and
    /// it does not fetch submodules.
    ///
    /// ```yaml bad with ->site.conf
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs:
    ///   site: { file: ./site.conf }
    /// ```
    ///
    /// ```yaml good with site.conf
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs:
    ///   site: { file: ./site.conf }
    /// ```
    "SK1008", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mut found: Vec<Found> =
        subject.file.references().iter().filter_map(|reference| refused(reference, subject)).collect();
    // A Dockerfile is reached through the same link as its context.
    found.dedup_by(|next, first| next.what.place == first.what.place);
    found
}

fn refused(reference: &Reference, subject: &StackSubject<'_>) -> Option<Found> {
    let (reason, help) = match subject.revision.readable(&reference.path) {
        // The file exists in a checkout, but not in a push.
        _ if subject.elsewhere.submodule(&reference.path).is_some() => {
            ("is in a submodule", "commit the file to this repository")
        }
        Err(Unreadable::Symlink) => ("is a symbolic link, or reached through one", "commit a copy of the target file"),
        Err(Unreadable::Submodule) => ("is in a submodule", "commit the file to this repository"),
        _ => return None,
    };
    let message = format!("{} `{}` {reason}", described(reference.what), text::cut(reference.path.as_str()));
    Some(Found::new(&reference.span, message).help(help))
}
