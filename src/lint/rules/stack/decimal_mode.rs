use crate::diagnostic::Fix;
use crate::lint::rule::{Found, rule};
use crate::lint::subject::StackSubject;
use crate::stack::FileReference;
use crate::stack::file::Spanned;

rule! {
    /// The mode of a file lacks its leading zero.
    ///
    /// `mode: 444` is a decimal number, which is `0674` in octal: the group may write to the secret. Write `0444`.
    ///
    /// ```yaml bad
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     secrets: [{ source: password, mode: 400 }]
    /// secrets: { password: { external: true } }
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   db:
    ///     image: postgres:17
    ///     secrets: [{ source: password, mode: 0400 }]
    /// secrets: { password: { external: true } }
    /// ```
    "SK2006", Warning, Stack(check), Fixes
}

/// Common modes, read as decimal numbers. None of these numbers is a plausible mode itself.
const DECIMAL: [u32; 16] = [400, 440, 444, 500, 550, 555, 600, 640, 644, 660, 664, 666, 700, 750, 755, 777];

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let services = subject.file.services.values();
    let files = services.flat_map(|service| service.configs.iter().chain(&service.secrets));
    files.filter(|file| DECIMAL.contains(&file.mode)).map(|file| found(file, subject)).collect()
}

fn found(file: &Spanned<FileReference>, subject: &StackSubject<'_>) -> Found {
    let mode = file.mode;
    Found::new(&file.span, format!("the mode {mode} is a decimal number, which means 0{mode:o}"))
        .help(format!("write `0{mode}`"))
        .fix(fix(file, subject))
}

fn fix(file: &Spanned<FileReference>, subject: &StackSubject<'_>) -> Option<Fix> {
    let written = String::from_utf8_lossy(subject.file.sources.text(&file.span)).into_owned();
    let key = written.find("mode:")?;
    let number = file.mode.to_string();
    let at = key + written[key..].find(&number)?;
    let is_value = written[key + "mode:".len()..at].trim().is_empty();
    let at = file.span.start + at;
    is_value.then(|| Fix::safe(format!("write `0{number}`")).insert(at, "0"))
}
