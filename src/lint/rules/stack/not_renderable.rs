use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::name::StackName;
use crate::render::{Inputs, render};

rule! {
    /// No stack can be made of the file.
    ///
    /// Every key is understood, but what is meant cannot be put together: a line of an `env_file` that is no variable,
    /// a config or secret that is empty or larger than Swarm keeps, a `name` that the engine refuses, an address without a
    /// port to send visitors to. It is found by putting the stack together, as it is before a deploy.
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

/// The stack's name; any will do where the file does not tell.
fn name(subject: &StackSubject<'_>) -> StackName {
    let given = subject.name.and_then(|name| name.parse().ok());
    given.unwrap_or_else(|| "stack".parse().expect("five letters are the name of a stack"))
}
