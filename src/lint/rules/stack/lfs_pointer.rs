use crate::diagnostic::Severity;
use crate::lint::elsewhere::is_pointer;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::stack::missing_file::described;
use crate::lint::subject::StackSubject;
use crate::stack::file::{Reference, ReferenceKind};
use crate::text;

rule! {
    /// A file that the stack file refers to is in Git LFS.
    ///
    /// skep runs no Git filters: the containers would get the pointer, three lines that refer to the file. If
    /// `.gitattributes` puts a file in Git LFS and the checkout contains it, this is a warning: a push contains only the pointer.
    ///
    /// ```yaml bad with lfs-site.conf
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs: { site: { file: ./site.conf } }
    /// ```
    ///
    /// ```yaml good with site.conf
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs: { site: { file: ./site.conf } }
    /// ```
    "SK1027", Error, Stack(check), Holds
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    subject.file.references().iter().filter_map(|reference| kept(reference, subject)).collect()
}

fn kept(reference: &Reference, subject: &StackSubject<'_>) -> Option<Found> {
    if reference.what == ReferenceKind::Context {
        return None;
    }
    let text = subject.revision.texts.get(&reference.path)?;
    let is_pointer = is_pointer(text);
    if !is_pointer && !subject.elsewhere.is_in_lfs(&reference.path) {
        return None;
    }
    let path = text::cut(reference.path.as_str());
    let what = described(reference.what);
    let found = if is_pointer {
        Found::new(&reference.span, format!("{what} `{path}` is a Git LFS pointer instead of the file"))
    } else {
        let message = format!("{what} `{path}` is in Git LFS: a push contains only its pointer");
        Found::new(&reference.span, message).severity(Severity::Warning)
    };
    Some(found.help("remove it from Git LFS with `git lfs untrack`, and commit the file"))
}
