use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, each_shell};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `set -o` has an option that not every `sh` supports.
    ///
    /// Older releases of `dash`, the `sh` of Debian and Ubuntu, fail with `Illegal option -o pipefail`.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN set -o pipefail && wget -qO- https://example.com/x | tar x
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN wget -qO- https://example.com/x | tar x
    /// ```
    "SC3040", Warning, Dockerfile(check), OfShell
}

/// The options of POSIX.
const KNOWN: [&str; 16] = [
    "allexport",
    "errexit",
    "ignoreeof",
    "monitor",
    "noclobber",
    "noexec",
    "noglob",
    "nolog",
    "notify",
    "nounset",
    "verbose",
    "vi",
    "xtrace",
    "emacs",
    "hashall",
    "physical",
];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let pairs = command.arguments().windows(2).filter(|_| command.is(&["set"]) && script.shell.name == "sh");
        let unknown = pairs.filter(|pair| is_option_flag(&pair[0].text) && !KNOWN.contains(&pair[1].text.as_str()));
        unknown
            .map(|pair| {
                at(script, &pair[1], "not every `sh` supports this option")
                    .help("use Bash: `SHELL [\"/bin/bash\", \"-c\"]`")
            })
            .collect()
    })
}

/// `-o`, or letters that end with it: `-euo`.
fn is_option_flag(flag: &str) -> bool {
    flag.starts_with(['-', '+']) && flag.ends_with('o')
}
