use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at;
use crate::lint::shell::{Command, Kind, Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A password is in the Dockerfile.
    ///
    /// Everybody who can pull the image or read the repository can read it. A container needs no passwords for its users; a
    /// program that needs one can read it from a secret when it starts.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN echo "root:hunter2" | chpasswd
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN --mount=type=secret,id=users chpasswd < /run/secrets/users
    /// ```
    "SK5505", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.scripts.iter().flat_map(literal).collect()
}

fn literal<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let pairs = script.code.pipelines.iter().flat_map(|pipeline| pipeline.commands.windows(2));
    let words = pairs.filter_map(move |pair| password(script, simple(script, &pair[0])?, simple(script, &pair[1])?));
    words.map(|word| {
        at(script, word, "this password is in the image and in the repository").help("remove it, or mount a secret")
    })
}

fn simple<'a>(script: &'a Script<'a>, command: &Command) -> Option<&'a Simple> {
    match command.kind {
        Kind::Simple(index) => script.commands().get(index),
        _ => None,
    }
}

/// The `user:password` that is piped into `chpasswd`.
fn password<'a>(script: &Script<'_>, from: &'a Simple, into: &Simple) -> Option<&'a Word> {
    let is_pair = from.is(&["echo", "printf"]) && into.is(&["chpasswd"]);
    let is_literal = |word: &&Word| {
        let secret = word.text.split_once(':').map_or("", |(_, secret)| secret);
        !secret.is_empty()
            && !secret.starts_with('$')
            && !word.text.contains("%s")
            && !script.text(&word.span).is_empty()
    };
    from.arguments().iter().filter(|_| is_pair).find(is_literal)
}
