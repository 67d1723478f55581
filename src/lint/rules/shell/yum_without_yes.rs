use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at_name, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// `yum install` asks a question.
    ///
    /// Nobody can answer during a build, so the build fails.
    ///
    /// ```dockerfile bad
    /// FROM rockylinux:9
    /// RUN yum install curl-7.76.1 && yum clean all
    /// ```
    ///
    /// ```dockerfile good
    /// FROM rockylinux:9
    /// RUN yum install -y curl-7.76.1 && yum clean all
    /// ```
    "DL3030", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    first_in_each(subject, |script, command| {
        command.is(&["yum"]).then(|| command.behind(&["install", "groupinstall", "localinstall"], &[]))??;
        if packages::assumes_yes(command) {
            return None;
        }
        Some(at_name(script, command, "`yum` waits for an answer").help("add `-y`"))
    })
}
