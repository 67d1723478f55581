//! Names that were checked once and are then trusted.
//!
//! Each is a string behind a constructor that says why a text is not such a name. Docker's limits are from
//! swarmkit `manager/controlapi/common.go` and `config.go`: a service's full name has at most 63 characters,
//! a config's 64.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not the name it was meant to be; the sentence is shown to the user as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {reason}")]
pub struct Invalid {
    /// The text as given, cut to a readable length.
    pub text: String,
    /// What it was meant to be, such as `stack name`.
    pub what: &'static str,
    /// What is wrong with it, and what is allowed.
    pub reason: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                let check: fn(&str) -> Result<(), String> = $check;
                match check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(reason) => Err(Invalid { text: shortened(text), what: $what, reason }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The name of a stack: lower-case letters, digits, `-` and `_`, beginning with a letter or digit, at most
    /// [`StackName::MAX`] characters, so that `<stack>_<service>` and the names of its records fit Docker's limits.
    StackName, "stack name", |text| label(text, StackName::MAX, false)
}

impl StackName {
    /// The longest stack name, in characters.
    pub const MAX: usize = 40;

    /// The name an object of this stack has in the swarm, such as `shop_web`.
    pub fn scoped(&self, key: &str) -> String {
        format!("{self}_{key}")
    }
}

name! {
    /// The name of a service as its stack file writes it: a DNS label, with `_` allowed, as swarmkit demands.
    ServiceName, "service name", |text| label(text, 62, true)
}

name! {
    /// The id of a commit: 40 hexadecimal digits (64 in a SHA-256 repository).
    CommitId, "commit id", object_id
}

impl CommitId {
    /// The first seven digits, as Git abbreviates it.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

name! {
    /// The id of a tree: two commits with the same tree have the same files.
    TreeId, "tree id", object_id
}

name! {
    /// The digest of an image's manifest: `sha256:` and 64 hexadecimal digits.
    Digest, "digest", |text| match text.strip_prefix("sha256:") {
        Some(hex) if hex.len() == 64 && is_hex(hex) => Ok(()),
        _ => Err("expected `sha256:` and 64 hexadecimal digits".into()),
    }
}

name! {
    /// A path inside a repository: relative, with `/` between its parts and no `.` or `..` among them. The root is empty.
    RepoPath, "path in a repository", |text| {
        let bad = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains('\0');
        if text.starts_with('/') {
            Err("it is absolute".into())
        } else if !text.is_empty() && text.split('/').any(bad) {
            Err("it has an empty part, `.` or `..` in it".into())
        } else {
            Ok(())
        }
    }
}

impl RepoPath {
    /// The top of the repository.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// The folder that holds this path; the root holds itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned())
    }

    /// The path that `relative`, as written in a file of this folder, means.
    ///
    /// `.` and `..` are resolved; a path that leaves the repository, or is absolute, is an error.
    pub fn join(&self, relative: &str) -> Result<Self, Invalid> {
        let invalid = |reason: &str| Invalid {
            text: shortened(relative),
            what: "path in this repository",
            reason: reason.to_owned(),
        };
        if relative.starts_with(['/', '~']) {
            return Err(invalid("it is absolute; write it relative to the file"));
        }
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or_else(|| invalid("it leads out of the repository"))?),
                part if part.contains('\0') => return Err(invalid("it has a NUL in it")),
                part => parts.push(part),
            }
        }
        Ok(Self(parts.join("/")))
    }

    /// Whether `other` is this path or lies below it.
    pub fn holds(&self, other: &Self) -> bool {
        self.0.is_empty() || other == self || other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// This path relative to `folder`, if it lies below it.
    pub fn below(&self, folder: &Self) -> Option<&str> {
        if folder.0.is_empty() {
            return Some(&self.0);
        }
        self.0.strip_prefix(&folder.0)?.strip_prefix('/')
    }
}

fn label(text: &str, max: usize, upper: bool) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || (upper && c.is_ascii_uppercase());
    if text.is_empty() {
        Err("it is empty".into())
    } else if text.len() > max {
        Err(format!("it has {} characters, {max} at most are allowed", text.len()))
    } else if let Some(c) = text.chars().find(|&c| !allowed(c) && c != '-' && c != '_') {
        let letters = if upper { "letters" } else { "lower-case letters" };
        Err(format!("`{}` is not allowed, only {letters}, digits, `-` and `_`", c.escape_default()))
    } else if !text.starts_with(allowed) || !text.ends_with(allowed) {
        Err("it must begin and end with a letter or digit".into())
    } else {
        Ok(())
    }
}

fn object_id(text: &str) -> Result<(), String> {
    if matches!(text.len(), 40 | 64) && is_hex(text) { Ok(()) } else { Err("expected 40 hexadecimal digits".into()) }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn shortened(text: &str) -> String {
    let escaped: String = text.chars().take(80).flat_map(char::escape_default).collect();
    if text.chars().nth(80).is_some() { format!("{escaped}…") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T: FromStr<Err = Invalid> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn a_stack_name_fits_docker() {
        assert_eq!("shop-2".parse::<StackName>().unwrap().scoped("web"), "shop-2_web");
        insta::assert_snapshot!(reason::<StackName>("my.shop"), @"`my.shop` is not a stack name: `.` is not allowed, only lower-case letters, digits, `-` and `_`");
        insta::assert_snapshot!(reason::<StackName>(&"a".repeat(41)), @"`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a stack name: it has 41 characters, 40 at most are allowed");
        insta::assert_snapshot!(reason::<StackName>("-shop"), @"`-shop` is not a stack name: it must begin and end with a letter or digit");
        insta::assert_snapshot!(reason::<StackName>(""), @"`` is not a stack name: it is empty");
    }

    #[test]
    fn a_path_stays_in_its_repository() {
        let folder: RepoPath = "stacks/shop".parse().unwrap();
        assert_eq!(folder.join("../../apps/./web").unwrap().as_str(), "apps/web");
        assert_eq!(folder.join(".").unwrap(), folder);
        insta::assert_snapshot!(folder.join("../../../etc").unwrap_err(), @"`../../../etc` is not a path in this repository: it leads out of the repository");
        insta::assert_snapshot!(folder.join("/etc/passwd").unwrap_err(), @"`/etc/passwd` is not a path in this repository: it is absolute; write it relative to the file");
        assert!(folder.holds(&"stacks/shop/a".parse().unwrap()) && !folder.holds(&"stacks/shop2".parse().unwrap()));
        assert_eq!("stacks/shop/a".parse::<RepoPath>().unwrap().below(&folder), Some("a"));
    }
}
