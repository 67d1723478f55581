use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at;
use crate::lint::shell::{Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Packages are installed without a check of their signature.
    ///
    /// The signature says that a package is the one which the distribution made. Without it, a mirror or anybody on the
    /// way can send another one.
    ///
    /// ```dockerfile bad
    /// FROM alpine:3.20
    /// RUN apk add --no-cache --allow-untrusted tool.apk
    /// ```
    ///
    /// ```dockerfile good
    /// FROM alpine:3.20
    /// COPY maker.rsa.pub /etc/apk/keys/
    /// RUN apk add --no-cache tool.apk
    /// ```
    "SK5503", Warning, Dockerfile(check)
}

/// The flags of each program that switch the check off.
const SWITCHES: [(&[&str], &[&str]); 4] = [
    (&["apk"], &["--allow-untrusted"]),
    (&["apt-get", "apt"], &["--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories"]),
    (
        &["yum", "dnf", "microdnf", "tdnf", "rpm"],
        &["--nogpgcheck", "--nosignature", "--no-gpg-checks", "--setopt=gpgcheck=0"],
    ),
    (&["zypper"], &["--no-gpg-checks"]),
];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    subject.scripts.iter().flat_map(unsigned).collect()
}

fn unsigned<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let flags = script.commands().iter().filter_map(switch);
    flags.map(|word| {
        at(script, word, "a package that somebody else made is installed, too")
            .help("leave it out, and install the key of whoever signs")
    })
}

/// The argument that switches the check off.
fn switch(command: &Simple) -> Option<&Word> {
    let (_, flags) = SWITCHES.iter().find(|(programs, _)| command.is(programs))?;
    command.arguments().iter().find(|word| flags.contains(&word.text.as_str()))
}
