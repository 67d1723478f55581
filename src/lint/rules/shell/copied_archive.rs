use std::collections::BTreeMap;

use crate::lint::dockerfile::{Instruction, Keyword, Stage, Word};
use crate::lint::rule::{Found, rule};
use crate::lint::rules::shell::commands::scripts;
use crate::lint::shell::Simple;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// An archive is copied and then unpacked.
    ///
    /// `ADD` unpacks an archive of the build context by itself. With `COPY` and `tar` the image contains both the archive and
    /// its contents.
    ///
    /// ```dockerfile bad
    /// FROM debian:12
    /// COPY app.tar.gz /tmp/
    /// RUN tar -xzf /tmp/app.tar.gz -C /opt
    /// ```
    ///
    /// ```dockerfile good
    /// FROM debian:12
    /// ADD app.tar.gz /opt/
    /// ```
    "DL3010", Info, Dockerfile(check)
}

/// The extensions of archives that `ADD` unpacks.
const ENDS: [&str; 12] =
    [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.lzma", ".tar.Z", ".gz", ".bz2", ".xz"];

/// The longest path that Linux opens.
const LONGEST: usize = 4096;

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let unpacked = Unpacked::of(subject);
    let copies = subject.file.stages().flat_map(|stage| copies(stage));
    copies.filter(|copy| unpacked.has(copy)).map(|copy| found(&copy)).collect()
}

/// An archive that is copied.
struct Copied<'a> {
    stage: usize,
    source: &'a Word,
    /// Its path in the image.
    path: String,
}

fn copies(stage: Stage<'_>) -> Vec<Copied<'_>> {
    let is_copy = |instruction: &&Instruction| {
        instruction.keyword == Keyword::Copy && instruction.flag("from").is_none() && !instruction.on_build
    };
    let copies = stage.instructions.iter().filter(is_copy);
    copies.flat_map(|copy| archives(stage.index, copy)).collect()
}

fn archives(stage: usize, copy: &Instruction) -> Vec<Copied<'_>> {
    let Some((target, sources)) = copy.words().split_last().filter(|(target, _)| target.text.len() <= LONGEST) else {
        return Vec::new();
    };
    let is_archive = |word: &Word| ENDS.iter().any(|end| word.unquoted().ends_with(end));
    let archives = sources.iter().filter(|source| is_archive(source) || is_archive(target));
    archives.map(|source| Copied { stage, source, path: path(source.unquoted(), target.unquoted()) }).collect()
}

fn path(source: &str, target: &str) -> String {
    // Docker does not support quotes here, but people write them.
    let target = target.trim_matches(['"', '\'']);
    let name = file_name(source);
    if ENDS.iter().any(|end| target.ends_with(end)) {
        target.to_owned()
    } else {
        format!("{}/{name}", target.trim_end_matches('/'))
    }
}

/// The part after the last slash or backslash.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// The archives that scripts unpack: the last place, by stage and word.
#[derive(Default)]
struct Unpacked<'a> {
    by_path: BTreeMap<(usize, &'a str), usize>,
    /// By file name alone, if the script sets the folder elsewhere.
    by_name: BTreeMap<(usize, &'a str), usize>,
}

impl<'a> Unpacked<'a> {
    fn of(subject: &DockerfileSubject<'a>) -> Self {
        let mut unpacked = Self::default();
        for script in scripts(subject) {
            let words = script.commands().iter().filter(|command| unpacks(command)).flat_map(Simple::arguments);
            for word in words.map(|word| word.text.as_str()) {
                let at = script.instruction.span.start;
                unpacked.by_path.insert((script.stage, word), at);
                if word.contains('\\') || !word.trim_start_matches("./").contains('/') {
                    unpacked.by_name.insert((script.stage, file_name(word)), at);
                }
            }
        }
        unpacked
    }

    /// Whether a later script of its stage unpacks it.
    fn has(&self, copied: &Copied<'_>) -> bool {
        let by_path = self.by_path.get(&(copied.stage, copied.path.as_str()));
        let by_name = self.by_name.get(&(copied.stage, file_name(&copied.path)));
        by_path.max(by_name).is_some_and(|at| *at > copied.source.span.start)
    }
}

fn unpacks(command: &Simple) -> bool {
    let first = command.arguments().first().map_or("", |word| word.text.as_str());
    let is_tar =
        command.is(&["tar"]) && (first.contains('x') && !first.starts_with("--") || command.has_flag("extract", 'x'));
    is_tar || command.is(&["gunzip", "bunzip2", "unxz", "unlzma", "uncompress"])
}

fn found(copied: &Copied<'_>) -> Found {
    Found::new(&copied.source.span, "the archive is copied and unpacked later, so the image contains it twice")
        .help("use `ADD`, which unpacks it without keeping it")
}
