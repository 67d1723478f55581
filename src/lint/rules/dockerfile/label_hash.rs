use super::labels;
use crate::lint::rule::{Found, rule};
use crate::lint::settings::LabelType;
use crate::lint::subject::DockerfileSubject;

rule! {
    /// A label of type commit has an invalid value.
    ///
    /// `label-schema` requires the hash of a commit, in full or shortened to at least seven digits.
    ///
    /// ```yml
    /// label-schema: { revision: hash }
    /// ```
    ///
    /// ```dockerfile bad
    /// FROM node:22
    /// LABEL revision=main
    /// ```
    ///
    /// ```dockerfile good
    /// FROM node:22
    /// LABEL revision=0123456789abcdef0123456789abcdef01234567
    /// ```
    "DL3055", Warning, Dockerfile(check)
}

fn check(subject: &DockerfileSubject<'_>) -> Vec<Found> {
    labels::unlike(subject, LabelType::Hash, "the hash of a commit", "0123456789abcdef0123456789abcdef01234567", is_one)
}

fn is_one(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    matches!(text.len(), 7..=40 | 64) && text.bytes().all(is_digit)
}
