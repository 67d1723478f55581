use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at;
use crate::lint::shell::{Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A download does not verify the server's certificate.
    ///
    /// With `curl --insecure` and `wget --no-check-certificate`, an attacker on the network can replace the downloaded
    /// file. If the certificate is from your own authority, add the authority's certificate to the image.
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
        at(script, word, "an attacker on the network can replace the download")
            .help("remove it; for your own certificate authority, add its certificate to the image")
    })
}

/// The argument that disables the check.
fn switch(command: &Simple) -> Option<&Word> {
    command.arguments().iter().find(|word| match command.name() {
        "curl" => is_insecure(&word.text),
        "wget" => word.text == "--no-check-certificate",
        _ => false,
    })
}

/// `--insecure`, or `k` among short flags without values.
fn is_insecure(flag: &str) -> bool {
    let letters = flag.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let before = letters.and_then(|letters| letters.split_once('k')).map(|(before, _)| before);
    flag == "--insecure"
        || before.is_some_and(|before| before.bytes().all(|byte| b"fsSLOgiIjJlNnpqRv#0123456".contains(&byte)))
}
