use crate::diagnostic::Fix;
use crate::lint::dockerfile::{Instruction, Keyword};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// The protocol of an `EXPOSE` is in upper case.
    ///
    /// The usual form is `80/tcp`. BuildKit: `ExposeProtoCasing`.
    ///
    /// ```dockerfile bad
    /// FROM nginx:1.27
    /// EXPOSE 80/TCP
    /// ```
    ///
    /// ```dockerfile good
    /// FROM nginx:1.27
    /// EXPOSE 80/tcp
    /// ```
    "SK5018", Style, Dockerfile(check), Fixes
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let ports = subject.file.of(Keyword::Expose).flat_map(Instruction::words);
    ports
        .filter_map(|port| {
            let (_, protocol) = port.unquoted().rsplit_once('/')?;
            let small = protocol.to_ascii_lowercase();
            let is_one = ["tcp", "udp", "sctp"].contains(&small.as_str()) && protocol != small;
            is_one.then(|| {
                Found::new(&port.span, format!("the protocol of `{}` is in upper case", text::cut(&port.text)))
                    .help(format!("write `{small}`"))
                    .fix(Fix::safe("write it in lower case").replace(&port.span, port.text.to_ascii_lowercase()))
            })
        })
        .collect()
}
