use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at;
use crate::lint::shell::{Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A download does not check who sends it.
    ///
    /// `curl --insecure` and `wget --no-check-certificate` take whatever anybody on the way sends. What is installed so
    /// can be anything. If the certificate is of your own authority, add that to the image.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN curl -fsSkO https://example.com/install.sh
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// COPY own-authority.crt /usr/local/share/ca-certificates/
    /// RUN update-ca-certificates && curl -fsSO https://example.com/install.sh
    /// ```
    "SK5501", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.scripts.iter().flat_map(unchecked).collect()
}

fn unchecked<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let flags = script.commands().iter().filter_map(switch);
    flags.map(|word| {
        at(script, word, "whoever is on the way can send something else")
            .help("leave it out, and add the authority's certificate to the image if it is your own")
    })
}

/// The argument that switches the check off.
fn switch(command: &Simple) -> Option<&Word> {
    command.arguments().iter().find(|word| match command.name() {
        "curl" => is_insecure(&word.text),
        "wget" => word.text == "--no-check-certificate",
        _ => false,
    })
}

/// `--insecure`, or `k` among letters that take no value.
fn is_insecure(flag: &str) -> bool {
    let letters = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let before = letters.and_then(|letters| letters.split_once('k')).map(|(before, _)| before);
    flag == "--insecure"
        || before.is_some_and(|before| before.bytes().all(|byte| b"fsSLOgiIjJlNnpqRv#0123456".contains(&byte)))
}
