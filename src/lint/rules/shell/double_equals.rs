use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, each_shell};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `==` is used, which `sh` does not support.
    ///
    /// Only Bash and similar shells compare with `==` in `[ … ]`. `dash`, the `sh` of Debian and Ubuntu, fails with
    /// `unexpected operator`.
    ///
    /// ```dockerfile bad
    /// ARG MODE
    /// RUN if [ "$MODE" == dev ]; then make; fi
    /// ```
    ///
    /// ```dockerfile good
    /// ARG MODE
    /// RUN if [ "$MODE" = dev ]; then make; fi
    /// ```
    "SC3014", Warning, Dockerfile(check), OfShell, Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let words = command.arguments().iter().filter(|word| word.text == "==");
        let words =
            words.filter(|_| command.is(&["[", "test"]) && script.shell.is_posix() && script.shell.name != "ash");
        words
            .map(|word| {
                let fix = Fix::safe("write `=`").replace(&script.place(&word.span), "=");
                at(script, word, "`sh` does not support `==`").help("write `=`").fix(fix)
            })
            .collect()
    })
}
