use crate::lint::rule::{Found, rule};
use crate::lint::rules::stack::looks_secret;
use crate::lint::subject::StackSubject;
use crate::stack::interpolate::Unset;
use crate::text;

/// The id of the rule, which a deploy turns into an error.
pub(in crate::lint) const ID: &str = RULE.id;

rule! {
    /// A variable is not set.
    ///
    /// Docker would replace it by nothing. skep does not deploy the stack until it is set, so that no database starts without its
    /// password; for the linter it is only a warning, because the controller may set it. The value counts as unknown,
    /// and the rest of the file is checked. Set it in `.env` beside the stack file, under `x-skep.variables` in it, or in
    /// skep's settings, where secrets belong, or write a default.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "shop:${TAG}" }
    /// ```
    ///
    /// ```yaml good
    /// x-skep:
    ///   variables: { TAG: "1.4" }
    /// services:
    ///   web: { image: "shop:${TAG}", command: ["--shell", "$$SHELL", "--mode", "${MODE:-fast}"] }
    /// ```
    "SK2020", Warning, Stack(check), Unknown
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.file.read_mode.as_written {
        return Vec::new();
    }
    subject.file.unset.iter().map(told).collect()
}

fn told(Unset { span, name, is_empty, about }: &Unset) -> Found {
    let name = text::cut(name);
    let what = if *is_empty { "is empty" } else { "is not set" };
    let about = about.as_ref().map(|about| format!(": {about}")).unwrap_or_default();
    let help = if looks_secret(&name) {
        format!("set {name} in skep's settings; `$${name}` if the container is to see `${name}`")
    } else if *is_empty {
        format!("give {name} a value")
    } else {
        format!(
            "set {name} in `.env` beside this file, or write `${{{name}:-default}}`; `$${name}` if the container is to see `${name}`"
        )
    };
    Found::new(span, format!("the variable {name} {what}{about}")).help(help)
}
