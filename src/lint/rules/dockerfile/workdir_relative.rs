use crate::lint::dockerfile::Keyword;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::DockerfileSubject;
use crate::text;

rule! {
    /// `WORKDIR` is not absolute.
    ///
    /// A relative folder is below the previous `WORKDIR`, or that of the base image, which may change with its next
    /// version. BuildKit: `WorkdirRelativePath`.
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// WORKDIR app
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// ARG HOME=/home/node
    /// WORKDIR $HOME/app
    /// WORKDIR "/app"
    /// ```
    "DL3000", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    let folders = subject.file.of(Keyword::Workdir).filter_map(|instruction| instruction.argument());
    folders
        .filter(|folder| !folder.text.is_empty() && !is_absolute(folder.unquoted()))
        .map(|folder| {
            let help = format!("use an absolute path: `/{}`", text::cut(folder.unquoted().trim_start_matches("./")));
            Found::new(&folder.span, format!("`{}` is not absolute", text::cut(folder.unquoted()))).help(help)
        })
        .collect()
}

/// Whether a path is absolute: begins with `/`, a Windows drive, or a variable.
pub(super) fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    path.starts_with(['/', '$']) || bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}
