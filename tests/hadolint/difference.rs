//! What only one of the two says.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs};

/// Which of the two says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Hadolint,
    Shellcheck,
    Skep,
}

impl Side {
    const ALL: [Self; 3] = [Self::Hadolint, Self::Shellcheck, Self::Skep];

    /// As it is written in the lists.
    fn as_str(self) -> &'static str {
        match self {
            Self::Hadolint => "only hadolint",
            Self::Shellcheck => "only shellcheck",
            Self::Skep => "only skep",
        }
    }
}

/// Something that only one of the two says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    pub(crate) case: String,
    pub(crate) side: Side,
    pub(crate) rule: String,
    pub(crate) line: usize,
}

/// As it is written in the list, without the reason.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}:{}", self.case, self.side.as_str(), self.rule, self.line)
    }
}

/// Those that are meant, each with its reason.
///
/// A paragraph is a reason, in lines that begin with `#`, and the differences that it is the reason for.
pub(crate) fn listed(file: &str) -> BTreeMap<Difference, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hadolint").join(file);
    let text = fs::read_to_string(path).unwrap();
    let mut listed = BTreeMap::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let (reason, lines): (Vec<&str>, Vec<&str>) =
            paragraph.lines().filter(|line| !line.is_empty()).partition(|line| line.starts_with('#'));
        assert!(!reason.is_empty(), "without a reason:\n{paragraph}");
        listed.extend(lines.into_iter().map(|line| (read(line), reason.join("\n"))));
    }
    listed
}

fn read(line: &str) -> Difference {
    let parts: Vec<&str> = line.rsplitn(3, ':').collect();
    let [number, rule, before] = parts[..] else { panic!("not a difference: {line}") };
    let said = |side: Side| Some((before.strip_suffix(side.as_str())?.strip_suffix(": ")?, side));
    let Some((case, side)) = Side::ALL.into_iter().find_map(said) else { panic!("who says it? {line}") };
    Difference { case: case.to_owned(), side, rule: rule.trim().to_owned(), line: number.parse().unwrap() }
}
