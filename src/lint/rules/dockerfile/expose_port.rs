use crate::lint::dockerfile::{Instruction, Keyword, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::lint::suggest;

rule! {
    /// `EXPOSE` names a port that does not exist.
    ///
    /// A port is a number up to 65535, or two of them with `-` between, and `/tcp`, `/udp` or `/sctp` behind. Anything else
    /// fails the build.
    ///
    /// ```dockerfile bad
    /// FROM nginx:1.27
    /// EXPOSE 80800
    /// ```
    ///
    /// ```dockerfile good
    /// FROM nginx:1.27
    /// ARG PORT=9000
    /// EXPOSE 80 8000-8010/udp $PORT
    /// ```
    "DL3011", Error, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let exposed = subject.file.instructions.iter().filter(|instruction| instruction.keyword == Keyword::Expose);
    exposed
        .flat_map(Instruction::words)
        .filter(|word| !word.text.contains(['$', '"', '\'']) && !is_port(word))
        .map(|word| {
            Found::new(&word.span, format!("`{}` is not a port", suggest::cut(&word.text)))
                .help("a port is a number from 0 to 65535, with `/tcp`, `/udp` or `/sctp` behind it or nothing")
        })
        .collect()
}

fn is_port(word: &Word) -> bool {
    // What stands before the last colon is an address or a published port, which Docker leaves out.
    let port = word.text.rsplit(':').next().unwrap_or_default();
    let (range, protocol) = port.split_once('/').unwrap_or((port, ""));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let is_protocol = ["", "tcp", "udp", "sctp"].iter().any(|known| protocol.eq_ignore_ascii_case(known));
    is_protocol && matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if first <= last)
}
