//! What the targets have in common: a repository made of hostile files, and everything that is asked of one.

use std::collections::BTreeMap;

use skep::diagnostic::Diagnostic;
use skep::diagnostic::render::remote;
use skep::lint::report::Format;
use skep::lint::{Settings, check, findings, fixed};
use skep::name::RepoPath;
use skep::revision::Revision;

/// A repository of these files.
#[must_use]
pub fn repository(files: &[(&str, &[u8])]) -> Revision {
    let file = |(path, text): &(&str, &[u8])| (path.parse::<RepoPath>().expect("a path"), (*text).into());
    Revision { named: None, ..Revision::alone(files.iter().map(file).collect()) }
}

/// Lints a repository, shows what was found in every format, and carries out the fixes.
///
/// # Panics
///
/// If something is found outside of its file, or if a fix is not the last one.
pub fn lint(mut repository: Revision) {
    let nothing = BTreeMap::new();
    let found = findings(&repository, &nothing, &Settings::default());
    found.iter().for_each(|finding| is_inside(finding, &repository));
    for name in ["human", "short", "json", "sarif", "gitlab", "github", "junit", "checkstyle"] {
        Format::named(name).expect("a format").write(&found, &repository.texts, true);
    }
    for line in remote(&found, &repository.texts, 20) {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    drop(check(repository.clone(), &nothing));
    fixed(&mut repository, &nothing, &Settings::default());
    assert_eq!(fixed(&mut repository, &nothing, &Settings::default()), [], "fixes that are not done in one go");
}

fn is_inside(finding: &Diagnostic, repository: &Revision) {
    let span = &finding.place.span;
    let length = repository.texts.get(&finding.place.path).map_or(0, |text| text.len());
    assert!(span.start <= span.end && span.end <= length, "{finding:?} in a file of {length} bytes");
}

/// The data, cut into so many pieces at bytes that no text has.
pub fn pieces<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut pieces = data.splitn(N, |byte| *byte == 0xff);
    std::array::from_fn(|_| pieces.next().unwrap_or_default())
}
