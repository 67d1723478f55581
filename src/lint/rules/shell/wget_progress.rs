use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `wget` writes its progress to the build log.
    ///
    /// One line for every fifty kilobytes hides the important lines.
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
            at_name(script, command, "the progress fills the build log")
                .help("add `--progress=dot:giga`, `-nv` or `-q`"),
        )
    })
}

/// Flags that reduce or redirect its output, or with which it downloads nothing.
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

/// Whether a flag is one of PowerShell, where `wget` is an alias of `Invoke-WebRequest`.
fn is_powershell(flag: &str) -> bool {
    ["-uri", "-outfile", "-usebasicparsing"].iter().any(|known| flag.eq_ignore_ascii_case(known))
}
