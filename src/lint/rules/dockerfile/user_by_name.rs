use crate::lint::dockerfile::scope::Value;
use crate::lint::dockerfile::{Instruction, Keyword, Stage, variable};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `USER` is a name instead of a number.
    ///
    /// The image decides which user a name means. Only a number guarantees to the outside that the user is not root,
    /// and determines the owner of files on a volume.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// USER node
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// USER 1000:staff
    /// ```
    "DL3066", Info, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let stages = subject.file.stages();
    let users = stages.flat_map(|stage| stage.of(Keyword::User).map(move |user| (stage, user)));
    users.filter(|(stage, user)| is_name(*stage, user, subject)).filter_map(|(_, user)| found(user)).collect()
}

/// Whether the user is certainly a name. Build arguments may contain a number; an unset variable is not one.
fn is_name(stage: Stage<'_>, user: &Instruction, subject: &DockerfileSubject<'_>) -> bool {
    let scopes = &subject.file.scopes;
    let text = user.text().split(':').next().unwrap_or_default();
    let is_argument = |name: &str| {
        let open =
            scopes.value(stage.index, user.span.start, name).is_some_and(|value| !matches!(value, Value::Fixed(_)));
        open || scopes.is_global(name)
    };
    if variable::variables(text, subject.file.escape).iter().any(|variable| is_argument(variable.name)) {
        return false;
    }
    let known = scopes.surely(stage.index, user.span.start, user.text()).unwrap_or_else(|| user.text().to_owned());
    let name = known.split(':').next().unwrap_or_default();
    !name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit())
}

fn found(user: &Instruction) -> Option<Found> {
    let word = user.argument()?;
    let message = format!("`{}` is not the number of a user", text::cut(word.unquoted()));
    Some(Found::new(&word.span, message).help("write the number: `USER 1000`"))
}
