//! Which stages run Windows: no POSIX shell reads their scripts.
//!
//! What is asked is what a file says by itself: the name of its base image with the defaults of its arguments, the platform of
//! `FROM`, the escape character (Microsoft's files have a backtick, since `\` is in their paths), a `RUN` that starts a
//! program which only Windows has, and drives.

use crate::lint::dockerfile::{Dockerfile, Instruction, Keyword, Stage};
use crate::name::ImageReference;

/// Repositories of Microsoft that have images of Windows only, and what begins the names below them.
const REPOSITORIES: [&str; 7] = [
    "windows",
    "windows-cssc",
    "dotnet/framework",
    "dotnet-framework",
    "microsoft/dotnet-framework",
    "microsoft/windowsservercore",
    "microsoft/iis",
];

/// Parts of a repository's name or a tag that only images of Windows have.
const PARTS: [&str; 4] = ["nanoserver", "windowsservercore", "servercore", "ltsc20"];

impl Dockerfile {
    /// Whether a stage that is built on an image runs Windows.
    pub(in crate::lint) fn is_windows(&self, stage: Stage<'_>) -> bool {
        self.escape == '`' || self.has_windows_image(stage) || has_windows_platform(stage) || is_of_windows(stage)
    }

    fn has_windows_image(&self, stage: Stage<'_>) -> bool {
        let Some(word) = stage.image() else { return false };
        let filled = self.scopes.of_from(&word.text);
        is_windows_image(word.unquoted()) || filled.is_some_and(|name| is_windows_image(&name))
    }
}

/// Whether the name of an image says that it is one of Windows.
fn is_windows_image(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ImageReference { host, path, tag, .. } = ImageReference::of(&name);
    let is_microsoft = host.is_some_and(|host| host == "mcr.microsoft.com") || path.starts_with("microsoft/");
    let below =
        |repository: &str| path.strip_prefix(repository).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let has_part = |text: &str| PARTS.iter().any(|part| text.contains(part));
    let tag = tag.unwrap_or_default();
    is_microsoft && REPOSITORIES.iter().any(|repository| below(repository))
        || path.starts_with("winamd64/")
        || path.ends_with("-windows")
        || has_part(path)
        || has_part(tag)
        || tag.split(['-', '_', '.']).any(|part| part == "windows")
}

fn has_windows_platform(stage: Stage<'_>) -> bool {
    let platform = stage.from().and_then(|from| from.flag("platform")).and_then(|flag| flag.value.as_ref());
    platform.is_some_and(|value| {
        let value = value.unquoted().to_ascii_lowercase();
        value == "windows" || value.starts_with("windows/") || value.starts_with("windows(")
    })
}

/// Whether something in the stage, before any `SHELL`, is only in Windows: a program, a word of `cmd`, a drive as the place to work in
/// or to copy to.
fn is_of_windows(stage: Stage<'_>) -> bool {
    let mut before_shell = stage.instructions.iter().take_while(|one| one.keyword != Keyword::Shell);
    before_shell.any(|one| match one.keyword {
        Keyword::Run => starts_program(one),
        Keyword::Workdir => is_on_drive(one.text()),
        Keyword::Add | Keyword::Copy => one.words().last().is_some_and(|last| is_on_drive(last.unquoted())),
        _ => false,
    })
}

fn starts_program(run: &Instruction) -> bool {
    let words: Vec<String> = if run.words().is_empty() {
        run.text().split_whitespace().take(3).map(str::to_ascii_lowercase).collect()
    } else {
        run.words().iter().take(3).map(|word| word.text.to_ascii_lowercase()).collect()
    };
    let word = |index: usize| words.get(index).map(String::as_str).unwrap_or_default();
    match word(0).strip_suffix(".exe").unwrap_or(word(0)) {
        "powershell" | "setx" => true,
        "cmd" => word(1).starts_with('/'),
        "if" => word(1) == "exist" || word(1) == "not" && word(2) == "exist",
        first => is_on_drive(first),
    }
}

/// `C:\` or `C:/`
fn is_on_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_windows_are_known_by_their_names() {
        let windows = [
            "mcr.microsoft.com/windows/servercore:ltsc2022",
            "mcr.microsoft.com/windows:1809",
            "mcr.microsoft.com/windows/nanoserver:1809-amd64",
            "mcr.microsoft.com/dotnet/framework/sdk:4.8",
            "mcr.microsoft.com/dotnet/aspnet:8.0-nanoserver-ltsc2022",
            "mcr.microsoft.com/dotnet/sdk:9.0-windowsservercore-ltsc2025",
            "mcr.microsoft.com/powershell:lts-nanoserver-1809",
            "microsoft/iis",
            "microsoft/nanoserver:sac2016",
            "golang:1.24-windowsservercore",
            "python:3.13-windowsservercore-ltsc2025",
            "winamd64/python:3.13",
            "stefanscherer/node-windows:20",
            "$REPO:10.0-nanoserver-ltsc2025-amd64",
            "registry.example.com/team/tool:1.2-windows-amd64",
        ];
        let others = [
            "debian:12",
            "mcr.microsoft.com/dotnet/sdk:8.0",
            "mcr.microsoft.com/mssql/server:2022-latest",
            "mcr.microsoft.com/powershell:7.4-debian-12",
            "dockcross/windows-static-x64",
            "dockurr/windows:4",
            "$BASE",
        ];
        assert_eq!(windows.iter().find(|name| !is_windows_image(name)), None);
        assert_eq!(others.iter().find(|name| is_windows_image(name)), None);
    }
}
