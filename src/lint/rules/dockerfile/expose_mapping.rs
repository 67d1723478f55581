use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `EXPOSE` contains a port or address of the host.
    ///
    /// An image cannot publish ports: the part before the port is ignored, and a later version will refuse it. BuildKit:
    /// `ExposeInvalidFormat`.
    ///
    /// ```dockerfile bad
    /// FROM nginx:1.27
    /// EXPOSE 8080:80
    /// ```
    ///
    /// ```dockerfile good
    /// FROM nginx:1.27
    /// EXPOSE 80 ${PORT:-90}
    /// ```
    "SK5019", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let ports = subject.file.of(Keyword::Expose).flat_map(Instruction::words);
    ports
        .filter(|port| !port.text.contains('$') && port.text.contains(':'))
        .map(|port| {
            let inside = port.unquoted().rsplit(':').next().unwrap_or_default();
            Found::new(&port.span, format!("the part before the port in `{}` is ignored", text::cut(&port.text)))
                .help(format!("write `EXPOSE {}`, and publish the port in the stack file", text::cut(inside)))
        })
        .collect()
}
