use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::{at, first_in_each};
use crate::lint::rules::shell::packages;
use crate::lint::shell::Variables;
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `yum install` names a package without its version.
    ///
    /// The same commit may then build a different image next month, and a build may fail although nothing in the
    /// repository changed.
    ///
    /// ```dockerfile bad
    /// FROM rockylinux:9
    /// RUN yum install -y curl && yum clean all
    /// ```
    ///
    /// ```dockerfile good
    /// FROM rockylinux:9
    /// RUN yum install -y curl-7.76.1 && yum clean all
    /// ```
    "DL3033", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let variables = Variables::of(subject.file);
    first_in_each(subject, |script, command| {
        let word = packages::dnf(command, &["yum"])?
            .into_iter()
            .find(|word| !packages::is_rpm_fixed(word, script, &variables))?;
        let message = format!("`{}` has no fixed version", text::cut(&word.text));
        Some(at(script, word, message).help("write `package-version`"))
    })
}
