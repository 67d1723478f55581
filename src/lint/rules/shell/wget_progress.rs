use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `wget` writes its progress into the log of the build.
    ///
    /// One line for every fifty kilobytes hides what matters.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN wget https://example.com/data.tar
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN wget --progress=dot:giga https://example.com/data.tar && wget -q https://example.com/keys
    /// ```
    "DL3047", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        if !command.is(&["wget"]) || command.flags().any(|flag| is_quiet(flag) || is_powershell(flag)) {
            return None;
        }
        Some(
            at_name(script, command, "the progress fills the log of the build")
                .help("add `--progress=dot:giga`, `-nv` or `-q`"),
        )
    })
}

/// The flags that make it say less, that send what it says elsewhere, or with which it fetches nothing.
const QUIET: [&str; 10] = [
    "--quiet",
    "--no-verbose",
    "--progress",
    "--output-file",
    "--append-output",
    "-o",
    "-a",
    "--version",
    "--help",
    "-nv",
];

fn is_quiet(flag: &str) -> bool {
    let name = flag.split('=').next().unwrap_or_default();
    let is_short = flag.starts_with('-') && !flag.starts_with("--");
    QUIET.contains(&name) || is_short && flag.split('O').next().is_some_and(|letters| letters.contains('q'))
}

/// Whether a flag is one of PowerShell, where `wget` is another name of `Invoke-WebRequest`.
fn is_powershell(flag: &str) -> bool {
    ["-uri", "-outfile", "-usebasicparsing"].iter().any(|known| flag.eq_ignore_ascii_case(known))
}
