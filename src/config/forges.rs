//! The forges that repositories are on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Settings;
use crate::diagnostic::{Diagnostic, KeyPath};

/// The key that the only forge was set with once, and its name among [`Settings::forges`].
const OLD: &str = "gitlab";

/// A forge: its webhooks are taken, and it is told the state of commits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forge {
    /// Its kind, if its name in the settings is not that of one.
    pub kind: Option<String>,
    /// Its address, such as `https://gitlab.example.com`; that of the kind's public instance if not set.
    pub url: Option<String>,
    /// The file with an access token for commit statuses; without it none are reported.
    pub token_file: Option<PathBuf>,
    /// Files with the secret of its webhooks; any of them is accepted, so that it can be changed without a gap.
    pub webhook_secret_files: Vec<PathBuf>,
    /// Whether every repository that is on no other forge is on this one: the old form of the settings.
    #[serde(skip)]
    pub is_for_all: bool,
}

impl Settings {
    /// Takes a forge that is set in the old form among the others.
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

/// The forges by the names that the settings give them.
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
