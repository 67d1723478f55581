use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::Spanned;

rule! {
    /// A label is for Traefik's Docker provider, but Traefik 3 has a separate one for Swarm.
    ///
    /// `traefik.docker.network` and `traefik.docker.lbswarm` still work, with a warning in Traefik's log. Reported only
    /// if the repository deploys Traefik 3.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.docker.network: front
    ///   proxy:
    ///     image: traefik:v3.7
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     deploy:
    ///       labels:
    ///         traefik.swarm.network: front
    ///   proxy:
    ///     image: traefik:v3.7
    /// ```
    "SK4016", Info, Stack(check), Fixes
}

const OLD: &str = "traefik.docker.";

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    if subject.traefik.version() != Some(3) {
        return Vec::new();
    }
    let services = subject.file.services.values();
    let labels = services.flat_map(|service| &service.deploy.labels);
    let known =
        |key: &str| ["network", "lbswarm"].iter().any(|option| key.eq_ignore_ascii_case(&format!("{OLD}{option}")));
    let old = labels.filter(|(key, _)| known(key));
    old.map(|(key, label)| {
        let new = format!("traefik.swarm.{}", &key[OLD.len()..]);
        Found::new(&label.span, format!("`{key}` is the old name of a label"))
            .help(format!("write `{new}`"))
            .fix(fix(label, subject))
    })
    .collect()
}

/// A fix of the provider's name, if the label is written out at this place.
fn fix(label: &Spanned<String>, subject: &StackSubject<'_>) -> Option<Fix> {
    let written = String::from_utf8_lossy(subject.file.sources.text(&label.span)).to_ascii_lowercase();
    let at = written.find(OLD).filter(|at| *at < 2)? + "traefik.".len();
    let start = label.span.start + at;
    Some(Fix::safe("write `traefik.swarm.…`").replace(&(start..start + "docker".len()), "swarm"))
}
