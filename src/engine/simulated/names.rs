//! The names that the engine accepts.

use std::sync::LazyLock;

use regex::Regex;

use super::requests::Refusal;

/// A part of a DNS name (swarmkit `manager/controlapi/common.go`).
static PART_OF_DNS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*$"));
/// The name of a config or secret (swarmkit `manager/controlapi/secret.go`).
static FILE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$"));

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

/// Whether a service or network may have this name.
pub(super) fn check_part_of_dns(name: &str) -> Result<(), Refusal> {
    if !PART_OF_DNS.is_match(name) {
        return Err(invalid("name must be valid as a DNS name component"));
    }
    if name.len() > 63 { Err(invalid("name must be 63 characters or fewer")) } else { Ok(()) }
}

/// Whether a config or secret may have this name.
pub(super) fn check_file(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(invalid("name must be provided"));
    }
    if name.len() > 64 || !FILE.is_match(name) {
        return Err(invalid(
            "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be \
             [a-zA-Z0-9]",
        ));
    }
    Ok(())
}

pub(super) fn invalid(words: &str) -> Refusal {
    Refusal(400, format!("rpc error: code = InvalidArgument desc = {words}"))
}
