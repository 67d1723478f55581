use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, each_shell};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `echo` has a flag that not every `sh` supports.
    ///
    /// `echo -e` prints `-e` in `dash`, the `sh` of Debian and Ubuntu. `printf` works the same everywhere.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN echo -e "a\tb" > /list
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN printf "a\tb\n" > /list
    /// ```
    "SC3037", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    each_shell(subject, |script, command| {
        let first = command.arguments().first().filter(|word| script.shell.name == "sh" && is_flag(&word.text));
        let flag = first.filter(|_| command.is_in_any_folder("echo"));
        flag.map(|word| at(script, word, "not every `sh` supports this flag").help("use `printf`"))
            .into_iter()
            .collect()
    })
}

fn is_flag(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|letters| !letters.is_empty() && letters.bytes().all(|byte| b"neE".contains(&byte)))
}
