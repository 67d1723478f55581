use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::file::{Origin, Source};
use crate::text;

rule! {
    /// A config or secret has a name of its own, so what it holds cannot change.
    ///
    /// Swarm changes neither. Without a `name`, skep calls each after what it holds, and new content is a new one. With a
    /// fixed name the first deploy works, and every later change of the content is refused. A name with a variable in it
    /// can change with the content.
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
        let message =
            format!("what `{}` holds can never change: Swarm refuses new content under a name", text::cut(name));
        Found::new(&name.span, message).help("leave the name out, and each content has a name of its own")
    })
}
