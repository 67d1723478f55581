use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Word;
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `pip install` names a package without its version.
    ///
    /// The same commit may then build a different image next month, and a build may fail although nothing in the
    /// repository changed.
    ///
    /// ```dockerfile bad
    /// FROM python:3.13
    /// RUN pip install --no-cache-dir requests
    /// ```
    ///
    /// ```dockerfile good
    /// FROM python:3.13
    /// RUN pip install --no-cache-dir requests==2.32.3 && pip install --no-cache-dir -r requirements.txt .
    /// ```
    "DL3013", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        let word = packages::pip(command)?.into_iter().find(|word| !is_fixed(word))?;
        let message = format!("`{}` has no fixed version", text::cut(&word.text));
        Some(at(script, word, message).help("write `package==version`, or `-r requirements.txt` with pinned versions"))
    })
}

fn is_fixed(word: &Word) -> bool {
    let text = word.text.as_str();
    if text.starts_with("git+") || text.starts_with("hg+") || text.starts_with("svn+") {
        return text.contains('@') || text.contains("#egg") && text.contains("==");
    }
    is_restricted(text) || is_place(text)
}

/// Whether the package has a version or a range of versions.
fn is_restricted(text: &str) -> bool {
    let range = ["==", ">=", "<=", "~=", "!=", "===", "<", ">"];
    range.iter().any(|operator| text.contains(operator))
}

/// Whether the argument is a folder, a file or an address.
fn is_place(text: &str) -> bool {
    let archives = [".whl", ".tar.gz", ".zip", ".tgz"];
    text.starts_with('.') || text.contains('/') || archives.iter().any(|end| text.ends_with(end))
}
