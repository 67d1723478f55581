//! The forges that host watched repositories.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Settings;
use crate::diagnostic::{Diagnostic, KeyPath};

/// The key of the old form for a single forge, and the name of that forge in [`Settings::forges`].
const OLD: &str = "gitlab";

/// A forge: skep accepts its webhooks and reports commit statuses to it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forge {
    /// Its kind, if its name in the settings is not a kind.
    pub kind: Option<String>,
    /// Its address, such as `https://gitlab.example.com`; by default that of the kind's public instance.
    pub url: Option<String>,
    /// The file with an access token for commit statuses; without it none are reported.
    pub token_file: Option<PathBuf>,
    /// Files with the secret of its webhooks; any of them is accepted, so that it can be changed without a gap.
    pub webhook_secret_files: Vec<PathBuf>,
    /// Whether repositories without a forge belong to this one: true for the old form of the settings.
    #[serde(skip)]
    pub is_for_all: bool,
}

impl Settings {
    /// Adds a forge in the old form to the others.
    pub(super) fn take_old_forge(&mut self) -> Result<(), Diagnostic<KeyPath>> {
        let Some(old) = self.gitlab.take() else { return Ok(()) };
        if self.forges.contains_key(OLD) {
            let message = format!("`{OLD}` is the old form of `forges.{OLD}`, and both are set");
            return Err(Diagnostic::new(KeyPath::of([OLD]), message).help(format!("keep `forges.{OLD}`")));
        }
        self.forges.insert(OLD.to_owned(), Forge { is_for_all: true, ..old });
        Ok(())
    }
}

/// The forges by their names in the settings.
pub type Forges = BTreeMap<String, Forge>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_form_is_read_into_the_new_one() {
        let old = "gitlab: { url: https://gitlab.example.com, token_file: /t, webhook_secret_files: [/a, /b] }";
        let settings = Settings::parse(old).unwrap();
        let forge = &settings.forges["gitlab"];
        assert_eq!((forge.url.as_deref(), forge.is_for_all), (Some("https://gitlab.example.com"), true));
        assert_eq!(forge.webhook_secret_files.len(), 2);
        let new = Settings::parse("forges: { gitlab: { url: https://gitlab.example.com } }").unwrap();
        assert!(!new.forges["gitlab"].is_for_all && new.gitlab.is_none());
        let both = Settings::parse("gitlab: {}\nforges: { gitlab: {} }").unwrap_err();
        insta::assert_snapshot!(both, @"`gitlab` is the old form of `forges.gitlab`, and both are set; keep `forges.gitlab`");
    }
}
