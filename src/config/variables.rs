//! Variables of stack files in the settings.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Settings;
use crate::stack::variables::{Origin, Set};

/// The settings of one repository on skep's own server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pushed {
    /// Values for `${NAME}` in its stack files.
    #[serde(deserialize_with = "texts")]
    pub variables: Set,
    /// Settings of single branches.
    pub branches: BTreeMap<String, Branch>,
}

/// The settings of one branch of a repository.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Branch {
    /// Values for `${NAME}` in stack files.
    #[serde(deserialize_with = "texts")]
    pub variables: Set,
}

/// Reads values that are texts, whole numbers or booleans. How a number with a point was written is lost when YAML is
/// parsed, so it is refused.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Set, D::Error> {
    let values = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Bool(value) => Ok((name, value.to_string())),
        Value::Number(number) if !number.is_f64() => Ok((name, number.to_string())),
        _ => Err(D::Error::custom(format!("the variable {name} must be a text: write it in quotes"))),
    };
    values.into_iter().map(text).collect()
}

impl Settings {
    /// The names of all variables that are set for any repository.
    pub(super) fn variable_names(&self) -> BTreeSet<String> {
        let watched = self.repositories.values().map(|one| (&one.variables, &one.branches));
        let known = watched.chain(self.pushed.values().map(|one| (&one.variables, &one.branches)));
        let sets = known.flat_map(|(all, branches)| branches.values().map(|branch| &branch.variables).chain([all]));
        sets.chain([&self.variables]).flat_map(Set::keys).cloned().collect()
    }

    /// The variables of a branch of a repository, with the place where each is set; without a repository, the variables
    /// for all repositories.
    pub fn variable_places(&self, repository: Option<&str>, branch: Option<&str>) -> Vec<(Origin, Set)> {
        let mut places = vec![(Origin::Settings, self.variables.clone())];
        let Some(name) = repository else { return places };
        let watched = self.repositories.get(name).map(|one| (&one.variables, &one.branches));
        let known = watched.or_else(|| self.pushed.get(name).map(|one| (&one.variables, &one.branches)));
        let Some((variables, branches)) = known else { return places };
        places.push((Origin::Repository, variables.clone()));
        let branch = branch.and_then(|branch| branches.get(branch));
        places.extend(branch.map(|branch| (Origin::Branch, branch.variables.clone())));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::variables::Variables;

    #[test]
    fn a_branch_overrides_its_repository_and_that_overrides_all() {
        let settings = Settings::parse(
            "variables: { A: all, B: all, C: all, PORT: 8080 }
repositories:
  shop: { url: https://x/shop.git, variables: { B: shop, C: shop }, branches: { main: { variables: { C: main, N: 7 } } } }
pushed:
  team/api: { variables: { B: api }, branches: { master: { variables: { C: master } } } }
",
        )
        .unwrap();
        let values = |repository: Option<&str>, branch: Option<&str>| {
            let variables = Variables::of(settings.variable_places(repository, branch));
            ["A", "B", "C", "PORT"].map(|name| variables.get(name).unwrap_or("-").to_owned()).join(" ")
        };
        assert_eq!(values(None, None), "all all all 8080");
        assert_eq!(values(Some("other"), Some("main")), "all all all 8080");
        assert_eq!(values(Some("shop"), Some("main")), "all shop main 8080");
        let wrong =
            Settings::parse("repositories: { shop: { url: https://x/shop.git, variables: { B: 1.10 } } }").unwrap();
        insta::assert_snapshot!(wrong.repositories["shop"].trouble.as_deref().unwrap_or_default(), @"the settings of the repository `shop` are not understood: the variable B must be a text: write it in quotes");
        assert_eq!(values(Some("shop"), Some("dev")), "all shop shop 8080");
        assert_eq!(values(Some("team/api"), Some("master")), "all api master 8080");
    }
}
