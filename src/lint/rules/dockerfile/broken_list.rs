use crate::diagnostic::Severity;
use crate::lint::dockerfile::{Arguments, Instruction, Keyword, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// A JSON list is malformed.
    ///
    /// With a missing comma, single quotes or text after the bracket, Docker takes the list for plain text: a shell looks for a
    /// program named `[a,`, and a `VOLUME` is created at `/[`. A `RUN` fails, which is an error; other instructions fail only when a
    /// container is started.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// RUN ["echo", "one" "two"]
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// CMD ['nginx', '-g', 'daemon off;']
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// RUN [ "$HOME" = /root ] && echo one
    /// CMD ["nginx", "-g", "daemon off;"]
    /// ```
    "SK5021", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let instructions = subject.file.instructions.iter();
    instructions.filter_map(|instruction| Some(found(instruction, &meant_list(instruction)?))).collect()
}

/// The text that should be a list, and its place.
fn meant_list(instruction: &Instruction) -> Option<Word> {
    use Keyword::{Add, Cmd, Copy, Entrypoint, Healthcheck, Run, Volume};
    let text = match (instruction.keyword, &instruction.arguments) {
        (Cmd | Entrypoint | Run, Arguments::Text(word)) => word.clone(),
        (Add | Copy | Volume, Arguments::Words(words)) => joined(words)?,
        (Healthcheck, Arguments::Words(words)) if !instruction.has_list() => joined(words.get(1..)?)?,
        _ => return None,
    };
    is_meant(&text.text).then_some(text)
}

fn joined(words: &[Word]) -> Option<Word> {
    let (first, last) = (words.first()?, words.last()?);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    Some(Word { text: texts.join(" "), span: first.span.start..last.span.end })
}

/// Whether a text starts like a list of strings. `[ "$A" = b ]` is a shell test: it has a space after the bracket, and no
/// comma between its texts.
fn is_meant(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('[') else { return false };
    let quotes = ['"', '\'', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];
    inside.starts_with(quotes) || inside.trim_start().starts_with(quotes) && has_comma_between(inside)
}

/// Whether there is a comma outside of quotes.
fn has_comma_between(text: &str) -> bool {
    let mut open = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, open) {
            ('\\', None | Some('"')) => drop(characters.next()),
            (',', None) => return true,
            ('"' | '\'', None) => open = Some(c),
            (_, Some(quote)) if c == quote => open = None,
            _ => {}
        }
    }
    false
}

fn found(instruction: &Instruction, list: &Word) -> Found {
    let message = format!("`{}` is not a JSON list, so Docker takes it for text", text::cut(&list.text));
    let found = Found::new(&list.span, message)
        .help("write it as `[\"program\", \"argument\"]`: double quotes, separated by commas");
    let fails = instruction.keyword == Keyword::Run && !instruction.on_build;
    if fails { found.severity(Severity::Error) } else { found }
}
