//! Which controller a repository belongs to, where several share a swarm.
//!
//! A swarm has one controller. Whoever runs several gives each a scope of its own, and each cares only for what came
//! through it: in records, the repositories of a scope are called `<scope>:<repository>`.

use std::fmt;
use std::str::FromStr;

use crate::name::Invalid;

/// The longest name of a scope, in characters.
const LONGEST: usize = 20;

/// What is added to the name of a repository without a scope where one has a scope.
const WITHOUT: &str = " of the controller without SKEP_SCOPE";

/// The scope of a controller; the default is the one without a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Option<String>);

impl Scope {
    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The name of a config that each scope has one of.
    pub fn config(&self, name: &str) -> String {
        self.name().map_or_else(|| name.to_owned(), |scope| format!("{name}.of-{scope}"))
    }

    /// How records name a repository of this scope.
    pub fn recorded(&self, repository: &str) -> String {
        match &self.0 {
            Some(scope) => format!("{scope}:{repository}"),
            None => repository.to_owned(),
        }
    }

    /// The repository that a record names, as it is called in this scope. One of another scope is called like no
    /// repository of this one.
    pub fn read(&self, recorded: &str) -> String {
        match (self.own(recorded), scope_in(recorded)) {
            (Some(own), _) => own.to_owned(),
            (None, Some(_)) => recorded.to_owned(),
            (None, None) => format!("{recorded}{WITHOUT}"),
        }
    }

    /// Whether a repository is of this scope, by the name in records.
    pub fn has(&self, recorded: &str) -> bool {
        self.own(recorded).is_some()
    }

    fn own<'a>(&self, recorded: &'a str) -> Option<&'a str> {
        match (&self.0, scope_in(recorded)) {
            (None, None) => Some(recorded),
            (Some(own), Some((scope, repository))) if own == scope => Some(repository),
            _ => None,
        }
    }
}

/// Whether a repository, as it is called in a scope, belongs to another one.
pub fn is_foreign(read: &str) -> bool {
    scope_in(read).is_some() || read.ends_with(WITHOUT)
}

/// The scope and the name of a repository that has a scope. An address and a path have none.
fn scope_in(recorded: &str) -> Option<(&str, &str)> {
    recorded.split_once(':').filter(|(scope, rest)| is_name(scope) && !rest.starts_with('/'))
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
    fn a_repository_is_of_the_scope_that_recorded_it_and_of_no_other() {
        let scopes = [Scope::default(), "lab".parse().unwrap(), "live".parse().unwrap()];
        for writer in &scopes {
            let recorded = writer.recorded("team/shop");
            for reader in &scopes {
                assert_eq!(reader.has(&recorded), reader == writer);
                assert_eq!(reader.read(&recorded) == "team/shop", reader == writer);
                assert_eq!(is_foreign(&reader.read(&recorded)), reader != writer);
            }
        }
        let [none, lab, _] = scopes;
        assert_eq!(none.read("lab:shop"), "lab:shop");
        assert_eq!(lab.read("shop"), "shop of the controller without SKEP_SCOPE");
    }

    #[test]
    fn what_is_no_repository_of_a_scope_has_none() {
        for recorded in ["folder /srv/shop", "file a:b", "https://example.com/shop.git", "file:///srv/shop", ":x"] {
            assert!(Scope::default().has(recorded), "{recorded}");
        }
        assert!("Lab".parse::<Scope>().is_err() && "".parse::<Scope>().is_err());
        assert!("x".repeat(21).parse::<Scope>().is_err());
    }
}
