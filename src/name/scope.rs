//! Scopes, which separate several controllers in one swarm.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// The longest name of a scope, in characters.
const LONGEST: usize = 20;

/// The scope of a controller; the default is the one without a name.
///
/// A swarm normally has one controller. To run several, each gets its own scope, and manages only its own repositories
/// and stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Option<String>);

impl Scope {
    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The name of a config that exists once in each scope.
    pub fn config(&self, name: &str) -> String {
        self.name().map_or_else(|| name.to_owned(), |scope| format!("{name}.of-{scope}"))
    }

    /// Splits off the scope at the beginning of a text. Addresses and paths have none.
    pub(super) fn split(text: &str) -> (Self, &str) {
        let named = text.split_once(':').filter(|(scope, rest)| is_name(scope) && !rest.starts_with('/'));
        named.map_or((Self(None), text), |(scope, rest)| (Self(Some(scope.to_owned())), rest))
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LONGEST).contains(&text.len()) && text.chars().all(allowed)
}

impl FromStr for Scope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if is_name(text) {
            return Ok(Self(Some(text.to_owned())));
        }
        Err(Invalid {
            text: text.chars().take(80).flat_map(char::escape_default).collect(),
            what: "scope",
            reason: format!("write up to {LONGEST} lower-case letters, digits and `-`"),
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_short_name() {
        assert!("lab-2".parse::<Scope>().is_ok());
        assert!("Lab".parse::<Scope>().is_err() && "".parse::<Scope>().is_err());
        assert!("x".repeat(21).parse::<Scope>().is_err());
    }

    #[test]
    fn addresses_and_paths_have_no_scope() {
        for text in ["folder /srv/shop", "file a:b", "https://example.com/shop.git", "file:///srv/shop", ":x"] {
            assert_eq!(Scope::split(text), (Scope::default(), text));
        }
        assert_eq!(Scope::split("lab:shop"), ("lab".parse().unwrap(), "shop"));
    }
}
