use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::text;

rule! {
    /// A key has no effect in a swarm.
    ///
    /// `docker compose` supports it, but Swarm has no equivalent, and ignores it silently or with an easily overlooked
    /// warning. For most such keys there is another way.
    ///
    /// ```yaml bad
    /// services:
    ///   web: { image: "nginx:1.27", container_name: web }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web: { image: "nginx:1.27" }
    /// ```
    "SK2001", Warning, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let ignored = subject.file.ignored.iter();
    ignored
        .map(|key| {
            let found = Found::new(&key.span, format!("`{}` has no effect in a swarm", text::cut(&key.key)));
            if key.instead.is_empty() { found } else { found.help(key.instead) }
        })
        .collect()
}
