//! Validated names.
//!
//! Each is a string with a constructor that returns why a text is not such a name. [`ObjectKind`] is the table of the
//! engine's requirements for the names of its objects.

mod image;
mod repository;
mod scope;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::image::{HUB, ImageReference, RegistryHost};
pub use self::repository::{Repository, RepositoryKind};
pub use self::scope::Scope;

/// Why a text is not a valid name; shown to the user verbatim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {reason}")]
pub struct Invalid {
    /// The text as given, shortened to a readable length.
    pub text: String,
    /// The expected kind of name, such as `stack name`.
    pub what: &'static str,
    /// What is wrong with the text, and what is allowed.
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
    StackName, "stack name", |text| Form { upper: false, ..dns(StackName::MAX) }.check(text)
}

impl StackName {
    /// The longest stack name, in characters.
    pub const MAX: usize = 40;

    /// The full name of an object of this stack in the swarm, such as `shop_web`.
    pub fn scoped(&self, key: &str) -> String {
        format!("{self}_{key}")
    }
}

name! {
    /// The name of a service in its stack file: a DNS label, with `_` allowed, as swarmkit requires.
    ServiceName, "service name", |text| dns(62).check(text)
}

name! {
    /// The id of a commit: 40 hexadecimal digits (64 in a SHA-256 repository).
    CommitId, "commit id", object_id
}

impl CommitId {
    /// The first seven digits, as abbreviated by Git.
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
            Err("it contains an empty part, `.` or `..`".into())
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

    /// A path of this machine as the user gave it, for display only.
    pub fn as_given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The folder that holds this path; the root holds itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned())
    }

    /// Resolves a relative path in a file of this folder.
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
                part if part.contains('\0') => return Err(invalid("it contains a NUL")),
                part => parts.push(part),
            }
        }
        Ok(Self(parts.join("/")))
    }

    /// Whether `other` is this path or below it.
    pub fn holds(&self, other: &Self) -> bool {
        self.0.is_empty() || other == self || other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// This path relative to `folder`, if it is below it.
    pub fn below(&self, folder: &Self) -> Option<&str> {
        if folder.0.is_empty() {
            return Some(&self.0);
        }
        self.0.strip_prefix(&folder.0)?.strip_prefix('/')
    }
}

/// A kind of object whose name the engine checks when the object is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A network of the swarm.
    Network,
    /// A service, by its full name.
    Service,
    /// A config.
    Config,
    /// A secret.
    Secret,
    /// A volume of the driver `local`; other drivers have their own rules.
    Volume,
}

impl ObjectKind {
    /// The engine's requirements: swarmkit `manager/controlapi/common.go`, `secret.go` and `config.go`, moby
    /// `volume/local`, all verified on Docker 20.10. A volume is a folder with its name, which has at most 255 bytes.
    const fn form(self) -> Form {
        match self {
            Self::Network | Self::Service => dns(63),
            Self::Config | Self::Secret => Form { longest: 64, marks: "-_.", ..dns(64) },
            Self::Volume => Form { shortest: 2, marks: "-_.", ends_in_mark: true, ..dns(255) },
        }
    }

    /// The noun for the kind, such as `config`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Service => "service",
            Self::Config => "config",
            Self::Secret => "secret",
            Self::Volume => "volume",
        }
    }

    /// The most characters of a name of this kind.
    pub const fn longest(self) -> usize {
        self.form().longest
    }

    /// Returns why the engine would refuse to create an object with this name, or `None` if it would accept it.
    pub fn objection(self, name: &str) -> Option<String> {
        self.form().check(name).err()
    }

    /// Makes a generated name acceptable to the engine: unchanged if it is, otherwise shortened, with digits
    /// that distinguish it from other names with the same beginning.
    #[must_use]
    pub fn fitted(self, name: &str) -> String {
        if self.objection(name).is_none() {
            return name.to_owned();
        }
        let form = self.form();
        let digits = &hex::encode(Sha256::digest(name))[..DIGITS];
        let kept = name.chars().map(|c| if form.allows(c) { c } else { '-' });
        let kept: String = kept.skip_while(|c| !c.is_ascii_alphanumeric()).take(form.longest - DIGITS - 1).collect();
        let parts = [kept.as_str(), digits];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    }
}

/// The number of hexadecimal digits that distinguish names.
const DIGITS: usize = 12;

/// The rules for a kind of name.
struct Form {
    shortest: usize,
    longest: usize,
    /// Whether upper-case letters are allowed.
    upper: bool,
    /// The characters allowed besides letters and digits, except at the beginning.
    marks: &'static str,
    /// Whether the last character may be one of the marks.
    ends_in_mark: bool,
}

/// A part of a DNS name, with `_` allowed.
const fn dns(longest: usize) -> Form {
    Form { shortest: 1, longest, upper: true, marks: "-_", ends_in_mark: false }
}

impl Form {
    fn check(&self, text: &str) -> Result<(), String> {
        let (length, longest) = (text.chars().count(), self.longest);
        if text.is_empty() {
            Err("it is empty".into())
        } else if length > longest {
            Err(format!("it has {length} characters; at most {longest} are allowed"))
        } else if length < self.shortest {
            Err(format!("it has {length} character; at least {} are required", self.shortest))
        } else if let Some(c) = text.chars().find(|&c| !self.allows(c)) {
            Err(format!("`{}` is not allowed, only {}", c.escape_default(), self.allowed()))
        } else if !text.starts_with(|c| self.is_letter_or_digit(c)) {
            Err("it must begin with a letter or digit".into())
        } else if !self.ends_in_mark && !text.ends_with(|c| self.is_letter_or_digit(c)) {
            Err("it must end with a letter or digit".into())
        } else {
            Ok(())
        }
    }

    fn allows(&self, c: char) -> bool {
        self.is_letter_or_digit(c) || self.marks.contains(c)
    }

    fn is_letter_or_digit(&self, c: char) -> bool {
        c.is_ascii_digit() || c.is_ascii_lowercase() || (self.upper && c.is_ascii_uppercase())
    }

    /// The characters that are allowed, in words.
    fn allowed(&self) -> String {
        let letters = if self.upper { "letters" } else { "lower-case letters" };
        let marks: Vec<String> = self.marks.chars().map(|mark| format!("`{mark}`")).collect();
        let (last, others) = marks.split_last().expect("every form has marks");
        format!("{letters}, digits, {} and {last}", others.join(", "))
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
        insta::assert_snapshot!(reason::<StackName>(&"a".repeat(41)), @"`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a stack name: it has 41 characters; at most 40 are allowed");
        insta::assert_snapshot!(reason::<StackName>("-shop"), @"`-shop` is not a stack name: it must begin with a letter or digit");
        insta::assert_snapshot!(reason::<StackName>(""), @"`` is not a stack name: it is empty");
    }

    #[test]
    fn the_engine_demands_something_of_every_kind_of_name() {
        let said = |kind: ObjectKind, name: &str| {
            let shown: String = name.chars().take(12).collect();
            format!("{} {shown}: {}", kind.noun(), kind.objection(name).unwrap_or_else(|| "accepted".into()))
        };
        let long = "a".repeat(64);
        let names = ["a b", "a.b", "a_", "é", ".a", "a", "A__b", long.as_str()];
        let table = |kind| names.map(|name| said(kind, name)).join("\n");
        insta::assert_snapshot!(table(ObjectKind::Network), @r"
        network a b: ` ` is not allowed, only letters, digits, `-` and `_`
        network a.b: `.` is not allowed, only letters, digits, `-` and `_`
        network a_: it must end with a letter or digit
        network é: `\u{e9}` is not allowed, only letters, digits, `-` and `_`
        network .a: `.` is not allowed, only letters, digits, `-` and `_`
        network a: accepted
        network A__b: accepted
        network aaaaaaaaaaaa: it has 64 characters; at most 63 are allowed
        ");
        insta::assert_snapshot!(table(ObjectKind::Config), @r"
        config a b: ` ` is not allowed, only letters, digits, `-`, `_` and `.`
        config a.b: accepted
        config a_: it must end with a letter or digit
        config é: `\u{e9}` is not allowed, only letters, digits, `-`, `_` and `.`
        config .a: it must begin with a letter or digit
        config a: accepted
        config A__b: accepted
        config aaaaaaaaaaaa: accepted
        ");
        insta::assert_snapshot!(table(ObjectKind::Volume), @"
        volume a b: ` ` is not allowed, only letters, digits, `-`, `_` and `.`
        volume a.b: accepted
        volume a_: accepted
        volume é: it has 1 character; at least 2 are required
        volume .a: it must begin with a letter or digit
        volume a: it has 1 character; at least 2 are required
        volume A__b: accepted
        volume aaaaaaaaaaaa: accepted
        ");
        assert!(ObjectKind::Secret.objection(&"a".repeat(65)).is_some());
    }

    #[test]
    fn a_name_of_our_own_is_made_to_fit_and_stays_as_it_is_if_it_does() {
        assert_eq!(ObjectKind::Network.fitted("shop_front"), "shop_front");
        insta::assert_snapshot!(ObjectKind::Network.fitted("shop_front.end"), @"shop_front-end-b810042f8034");
        let (one, other) = (format!("shop_{}a", "k".repeat(80)), format!("shop_{}b", "k".repeat(80)));
        assert_ne!(ObjectKind::Secret.fitted(&one), ObjectKind::Secret.fitted(&other));
        for kind in [ObjectKind::Network, ObjectKind::Config, ObjectKind::Volume] {
            for name in [one.as_str(), "shop_a-", "shop_é", "..", ""] {
                assert_eq!(kind.objection(&kind.fitted(name)), None, "{name}");
            }
        }
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
