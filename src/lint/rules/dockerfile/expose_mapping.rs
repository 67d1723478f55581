use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `EXPOSE` names a port or an address of the host.
    ///
    /// An image cannot publish anything: what stands before the port is left out, and will be refused one day. BuildKit:
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
            Found::new(&port.span, format!("what stands before the port in `{}` is left out", text::cut(&port.text)))
                .help(format!("write `EXPOSE {}`, and publish it in the stack file", text::cut(inside)))
        })
        .collect()
}
