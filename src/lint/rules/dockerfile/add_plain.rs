use crate::lint::dockerfile::{Instruction, Keyword, Stage, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `ADD` copies plain files.
    ///
    /// `ADD` also unpacks archives and downloads addresses, so its effect is not obvious to readers.
    /// `COPY` only copies.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// ADD src /app/src
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// COPY src /app/src
    /// ADD vendor.tar.gz /app/
    /// ADD https://example.com/data.json /app/
    /// ```
    "DL3020", Warning, Dockerfile(check)
}

const ARCHIVES: [&str; 16] = [
    ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tlz", ".tzst", ".gz", ".bz2", ".xz", ".lzma", ".zst", ".Z", ".lz",
    ".lzo", ".tz",
];

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let adds = subject.file.stages().flat_map(|stage| stage.of(Keyword::Add).map(move |add| (stage, add)));
    adds.filter_map(|(stage, add)| plain(stage, add, subject)).collect()
}

/// The first source that `COPY` could copy.
fn plain(stage: Stage<'_>, add: &Instruction, subject: &DockerfileSubject<'_>) -> Option<Found> {
    let (_, sources) = add.words().split_last()?;
    let known = |word: &Word| {
        let expanded = subject.file.scopes.by_default(stage.index, add.span.start, &word.text);
        expanded.unwrap_or_else(|| word.unquoted().to_owned())
    };
    let source = sources.iter().find(|source| !needs_add(&known(source)))?;
    let message = format!("`{}` needs only `COPY`", text::cut(source.unquoted()));
    Some(Found::new(&add.keyword_span, message).help("use `COPY` instead of `ADD`"))
}

fn needs_add(source: &str) -> bool {
    let is_repository = source.starts_with("git@") || source.starts_with("git://");
    source.starts_with("<<")
        || is_repository
        || source.contains("://")
        || ARCHIVES.iter().any(|end| source.ends_with(end))
}
