use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Origin, Source};
use crate::text;

rule! {
    /// A config or secret has a fixed name, so its contents cannot change.
    ///
    /// Swarm cannot change configs and secrets. Without a `name`, skep names each after its contents, so new contents make a new
    /// object. With a fixed name the first deploy works, and every later change of the contents is refused. A name with a
    /// variable can change together with the contents.
    ///
    /// ```yaml bad with site.conf
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site] }
    /// configs: { site: { file: ./site.conf, name: site } }
    /// ```
    ///
    /// ```yaml good with site.conf
    /// services:
    ///   web: { image: "nginx:1.27", configs: [site, page, other] }
    /// configs:
    ///   site: { file: ./site.conf }
    ///   page: { content: hello, name: "page-${PAGE:-1}" }
    ///   other: { external: true, name: other }
    /// ```
    "SK2004", Info, Stack(check)
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let sources = subject.file.configs.values().chain(subject.file.secrets.values());
    sources.filter_map(|source| fixed(source, subject)).collect()
}

fn fixed(source: &Source, subject: &StackSubject<'_>) -> Option<Found> {
    let name = source.name.as_ref()?;
    let is_own = matches!(source.origin, Origin::File(_) | Origin::Content(_));
    let is_written = !subject.file.sources.text(&name.span).contains(&b'$');
    (is_own && is_written).then(|| {
        let message = format!(
            "the contents of `{}` can never change: Swarm refuses new contents for an existing name",
            text::cut(name)
        );
        Found::new(&name.span, message).help("remove the name, so that skep derives it from the contents")
    })
}
