use crate::diagnostic::Severity;
use crate::lint::elsewhere::is_pointer;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::stack::missing_file::described;
use crate::lint::subject::StackSubject;
use crate::stack::file::{Reference, ReferenceKind};
use crate::text;

rule! {
    /// A file that the stack file refers to is kept in Git LFS.
    ///
    /// skep runs no filters: what it would give to the containers is the pointer, three lines that say where the file is. Where
    /// `.gitattributes` says that a file is in Git LFS and the checkout holds it, this is a warning: a push does not bring it along.
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
        Found::new(&reference.span, format!("{what} `{path}` is a pointer of Git LFS, and not the file"))
    } else {
        let message = format!("{what} `{path}` is kept in Git LFS: a push brings its pointer only");
        Found::new(&reference.span, message).severity(Severity::Warning)
    };
    Some(found.help("take it out of Git LFS: `git lfs untrack`, and commit the file"))
}
