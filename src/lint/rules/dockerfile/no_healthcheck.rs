use crate::lint::dockerfile::scope::Base;
use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A stage has no `HEALTHCHECK`.
    ///
    /// Without one Docker only knows whether the process is running, not whether it works. The check may also be in the stack
    /// file, so this rule is off by default.
    ///
    /// ```dockerfile bad
    /// FROM nginx:1.27
    /// EXPOSE 80
    /// ```
    ///
    /// ```dockerfile good
    /// FROM nginx:1.27
    /// HEALTHCHECK CMD ["curl", "-f", "http://localhost/"]
    /// ```
    "DL3057", Info, Dockerfile(check), Off
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let mut checked = Vec::new();
    let mut found = Vec::new();
    for stage in subject.file.stages() {
        let inherited = match subject.file.scopes.base(stage.index) {
            Base::Stage(base) => checked.get(base) == Some(&true),
            Base::Scratch | Base::Image => false,
        };
        let has_one = inherited || stage.of(Keyword::Healthcheck).next().is_some();
        checked.push(has_one);
        found.extend(stage.from().filter(|_| !has_one).map(missing));
    }
    found
}

fn missing(from: &Instruction) -> Found {
    let place = from.words().first().map_or(&from.span, |image| &image.span);
    Found::new(place, "the stage has no `HEALTHCHECK`")
        .help("add a `HEALTHCHECK` that fails until the service is ready")
}
