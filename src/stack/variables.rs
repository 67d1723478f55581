//! The sources of variables in stack files, and their precedence.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Variables from one source.
pub type Set = BTreeMap<String, String>;

/// The sources of variables. An earlier one in this list overrides later ones: the table
/// in `docs/stack-files.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `-e NAME=value` on the command line.
    CommandLine,
    /// The environment of the command, for files given with `-c FILE`.
    Shell,
    /// Files that `--env-file` names.
    EnvFile,
    /// The settings, for one branch of a repository.
    Branch,
    /// The settings, for one repository.
    Repository,
    /// The settings, for all repositories.
    Settings,
    /// `.env` beside the stack file.
    DotEnv,
    /// `x-skep.variables` in the stack file.
    StackFile,
}

/// The variables of a stack file from all sources. Cheap to clone: files share what they have in
/// common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variables(Arc<Vec<(Origin, Arc<Set>)>>);

impl Variables {
    /// The variables from these sources.
    pub fn of(places: impl IntoIterator<Item = (Origin, Set)>) -> Self {
        let mut places: Vec<_> = places.into_iter().map(|(origin, set)| (origin, Arc::new(set))).collect();
        places.retain(|(_, set)| !set.is_empty());
        places.sort_by_key(|(origin, _)| *origin);
        Self(Arc::new(places))
    }

    /// Adds another source. Of two sources of the same kind, the existing one takes precedence.
    #[must_use]
    pub fn with(&self, origin: Origin, mut set: Set) -> Self {
        set.retain(|name, _| self.origin(name).is_none_or(|known| origin < known));
        if set.is_empty() {
            return self.clone();
        }
        let mut places = self.0.to_vec();
        let behind = places.partition_point(|(known, _)| *known <= origin);
        places.insert(behind, (origin, Arc::new(set)));
        Self(Arc::new(places))
    }

    /// The effective value; `None` if the variable is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(_, set)| set.get(name)).map(String::as_str)
    }

    /// All variables with their effective values.
    pub fn flat(&self) -> Set {
        let weakest_first = self.0.iter().rev().flat_map(|(_, set)| set.iter());
        weakest_first.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn origin(&self, name: &str) -> Option<Origin> {
        self.0.iter().find(|(_, set)| set.contains_key(name)).map(|(origin, _)| *origin)
    }

    /// An identity that clones share, and that is unique among all live values.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

/// Variables set outside of the repository, from any source.
impl From<&Set> for Variables {
    fn from(set: &Set) -> Self {
        Self::of([(Origin::CommandLine, set.clone())])
    }
}

/// Whether a text is the name of a variable: letters, digits and `_`, not beginning with a digit.
pub fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: [Origin; 8] = [
        Origin::CommandLine,
        Origin::Shell,
        Origin::EnvFile,
        Origin::Branch,
        Origin::Repository,
        Origin::Settings,
        Origin::DotEnv,
        Origin::StackFile,
    ];

    fn set(names: &[usize], value: usize) -> Set {
        names.iter().map(|name| (name.to_string(), value.to_string())).collect()
    }

    proptest! {
        /// The first source in the table that has a variable decides, in whatever order sources are added.
        #[test]
        fn the_first_place_of_the_table_counts(
            names in proptest::collection::vec(proptest::collection::vec(0..4_usize, 0..3), 8),
            order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(),
            together in 0..8_usize,
        ) {
            let (first, later) = order.split_at(together);
            let place = |at: &usize| (TABLE[*at], set(&names[*at], *at));
            let variables = Variables::of(first.iter().map(place));
            let variables = later.iter().map(place).fold(variables, |all, (origin, set)| all.with(origin, set));
            for name in 0..4 {
                let expected = (0..8).find(|&at| names[at].contains(&name)).map(|at| at.to_string());
                let (name, flat) = (name.to_string(), variables.flat());
                prop_assert_eq!(variables.get(&name), expected.as_deref());
                prop_assert_eq!(flat.get(&name), expected.as_ref());
            }
        }
    }

    #[test]
    fn the_table_of_the_documentation_has_this_order() {
        assert!(TABLE.is_sorted());
        let page = include_str!("../../docs/stack-files.md");
        let (_, table) = page.split_once("<!-- precedence -->").unwrap();
        let rows: Vec<&str> =
            table.split("<!-- end -->").next().unwrap().lines().filter(|row| row.starts_with("| ")).collect();
        // Two lines of a head, a row for each place, and the default in the text itself.
        assert_eq!(rows.len(), 2 + TABLE.len() + 1, "{rows:#?}");
        let words = [
            "`-e NAME=value`",
            "environment",
            "`--env-file",
            "branches",
            "repositories.",
            "`variables`",
            "`.env`",
            "`x-skep.variables`",
        ];
        for (row, word) in rows[2..].iter().zip(words) {
            assert!(row.contains(word), "{word}: {row}");
        }
    }

    #[test]
    fn what_adds_nothing_is_shared() {
        let variables = Variables::of([(Origin::Settings, set(&[1, 2], 0))]);
        assert_eq!(variables.address(), variables.with(Origin::DotEnv, set(&[1], 9)).address());
        assert_eq!(variables.with(Origin::DotEnv, set(&[1, 3], 9)).get("3"), Some("9"));
        assert_eq!(variables.with(Origin::Shell, set(&[1], 9)).get("1"), Some("9"));
    }
}
