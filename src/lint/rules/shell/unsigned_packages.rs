use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::at;
use crate::lint::shell::{Script, Simple, Word};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// Packages are installed without verifying their signatures.
    ///
    /// The signature proves that the distribution made the package. Without verification, a mirror or an attacker on the
    /// network can replace it.
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

/// The flags of each program that disable the verification.
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
        at(script, word, "forged packages are also installed").help("remove it, and install the key of the signer")
    })
}

/// The argument that disables the check.
fn switch(command: &Simple) -> Option<&Word> {
    let (_, flags) = SWITCHES.iter().find(|(programs, _)| command.is(programs))?;
    command.arguments().iter().find(|word| flags.contains(&word.text.as_str()))
}
