use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::shell_scripts;
use crate::lint::shell::{Kind, Script, Simple};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `find | xargs` breaks names with spaces.
    ///
    /// `xargs` splits at spaces and quotes, so a file `a b` becomes two. With `-print0` and `-0` the names stay intact.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN find /tmp -name "*.pyc" | xargs rm
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    /// RUN find /tmp -name "*.pyc" -print0 | xargs -0 rm
    /// ```
    "SC2038", Warning, Dockerfile(check), OfShell
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    shell_scripts(subject).flat_map(broken).collect()
}

fn broken<'a>(script: &'a Script<'a>) -> impl Iterator<Item = Found> {
    let pairs = script.code.pipelines.iter().flat_map(|pipeline| pipeline.commands.windows(2));
    pairs.filter_map(move |pair| match (&pair[0].kind, &pair[1].kind) {
        (Kind::Simple(find), Kind::Simple(xargs)) => {
            broken_pair(script, &script.commands()[*find], &script.commands()[*xargs])
        }
        _ => None,
    })
}

fn broken_pair(script: &Script<'_>, find: &Simple, xargs: &Simple) -> Option<Found> {
    let is_pair = find.is(&["find"]) && xargs.is(&["xargs"]);
    let is_safe = xargs.has_flag("null", '0') || find.has(&["-print0", "-printf"]);
    let found = || Found::new(&script.place(&find.span), "names with spaces are split");
    (is_pair && !is_safe).then(|| found().help("use `find … -print0 | xargs -0 …`, or `-exec … +`"))
}
