use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Word;
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `gem install` names a gem without its version.
    ///
    /// The same commit may then build a different image next month, and a build may fail although nothing in the
    /// repository changed.
    ///
    /// ```dockerfile bad
    /// FROM ruby:3.3
    /// RUN gem install bundler
    /// ```
    ///
    /// ```dockerfile good
    /// FROM ruby:3.3
    /// RUN gem install bundler:2.5.23 && gem install rake -v 13.2.1
    /// ```
    "DL3028", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        let word = packages::gem(command)?.into_iter().find(|word| !is_fixed(word))?;
        let message = format!("`{}` has no fixed version", text::cut(&word.text));
        Some(at(script, word, message).help("write `gem:version`, or `-v version`"))
    })
}

/// Whether the package has a version, or is a file.
fn is_fixed(word: &Word) -> bool {
    word.text.contains(':') || packages::is_file(&word.text, &[".gem"])
}
