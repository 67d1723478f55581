use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Word;
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `go install` names a package without its version.
    ///
    /// The same commit may then build a different image next month, and a build may fail although nothing in the
    /// repository changed. `latest` is no version.
    ///
    /// ```dockerfile bad
    /// FROM golang:1.23
    /// RUN go install golang.org/x/tools/gopls@latest
    /// ```
    ///
    /// ```dockerfile good
    /// FROM golang:1.23
    /// RUN go install golang.org/x/tools/gopls@v0.16.2 && go install ./cmd/...
    /// ```
    "DL3062", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        let word = packages::go(command)?.into_iter().find(|word| !is_fixed(word))?;
        let message = format!("`{}` has no fixed version", text::cut(&word.text));
        Some(at(script, word, message).help("write `package@version`"))
    })
}

/// Whether the package has a version, or is a path in the module.
fn is_fixed(word: &Word) -> bool {
    let text = word.text.as_str();
    let version = text.rsplit_once('@').map(|(_, version)| version);
    version.is_some_and(|version| !["latest", "none"].contains(&version)) || is_local(text)
}

fn is_local(text: &str) -> bool {
    text.starts_with(['.', '/']) || packages::is_file(text, &[".go"])
}
