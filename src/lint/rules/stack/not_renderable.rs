use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::StackName;
use crate::render::{Inputs, render};

rule! {
    /// The file cannot be turned into a stack.
    ///
    /// All keys are valid, but the stack cannot be assembled: a line of an `env_file` is not a variable,
    /// a config or secret is empty or exceeds Swarm's limit, the engine refuses a `name`, or a published host name has no
    /// port. The linter finds this by rendering the stack, as before a deploy.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: shop:1
    ///     x-skep: { http: shop.example.com/path }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: shop:1
    ///     x-skep: { http: { host: shop.example.com, port: 8080 } }
    /// ```
    "SK1016", Error, Last(check), Holds, Whole
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let mut inputs = Inputs::new(name(subject), &subject.revision.texts);
    inputs.images = subject.file.builds().map(|(name, _)| (name.clone(), "built".to_owned())).collect();
    inputs.as_written = subject.file.read_mode.as_written;
    let problems = render(subject.file, &inputs).err().unwrap_or_default();
    problems.into_iter().map(Found::from).collect()
}

/// The name of the stack, or a placeholder if it is not known.
fn name(subject: &StackSubject<'_>) -> StackName {
    let given = subject.name.and_then(|name| name.parse().ok());
    given.unwrap_or_else(|| "stack".parse().expect("a valid name"))
}
