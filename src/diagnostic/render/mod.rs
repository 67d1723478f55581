//! Diagnostics as text: for a person, for an editor, for a program, for the other end of `git push`.
//!
//! The text comes from pushed files and paths: control characters never reach a terminal, and a long line is cut around the
//! place of the finding.

pub(crate) mod excerpt;
mod human;
mod json;
mod plain;
mod remote;
mod short;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Diagnostic, Severity};
use crate::name::RepoPath;

pub use human::human;
pub use json::json;
pub use plain::plain;
pub use remote::{SCREENFUL, remote};
pub(crate) use short::line;
pub use short::short;

/// The texts that diagnostics point into.
pub type Texts = BTreeMap<RepoPath, Arc<[u8]>>;

/// The number of findings of each severity, such as `2 errors and 1 warning`; `no findings` if there are none.
pub fn summary(findings: &[Diagnostic]) -> String {
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info, Severity::Style]
        .into_iter()
        .filter_map(|severity| {
            let count = findings.iter().filter(|finding| finding.severity == severity).count();
            counted(count, severity)
        })
        .collect();
    match parts.split_last() {
        None => "no findings".into(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn counted(count: usize, severity: Severity) -> Option<String> {
    let one = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "remark",
        Severity::Style => "matter of style",
    };
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ if severity == Severity::Style => Some(format!("{count} matters of style")),
        _ => Some(format!("{count} {one}s")),
    }
}

#[cfg(test)]
mod tests;
