use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Word;
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `npm install` names a package without its version.
    ///
    /// The same commit may then build a different image next month, and a build may fail although nothing in the
    /// repository changed.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// RUN npm install -g typescript
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// RUN npm install -g typescript@5.6.3
    /// ```
    "DL3016", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        let word = packages::npm(command)?.into_iter().find(|word| !is_fixed(word))?;
        let message = format!("`{}` has no fixed version", text::cut(&word.text));
        Some(at(script, word, message).help("write `package@version`"))
    })
}

fn is_fixed(word: &Word) -> bool {
    let text = word.text.as_str();
    let is_repository =
        text.starts_with("git") && text.contains(':') || text.contains("://") && packages::is_file(text, &[".git"]);
    if is_repository {
        return text.contains('#');
    }
    has_version(text) || is_place(text)
}

/// `name@version` or `@scope/name@version`.
fn has_version(text: &str) -> bool {
    text.get(1..).is_some_and(|rest| rest.contains(['@', '#']))
}

/// Whether the argument is a folder, an archive or its address.
fn is_place(text: &str) -> bool {
    let begins = [".", "/", "~", "file:", "http:", "https:"].iter().any(|begin| text.starts_with(begin));
    begins || packages::is_file(text, &[".tgz", ".tar.gz", ".tar"])
}
