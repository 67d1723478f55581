//! Docker's own settings of this user, `~/.docker/config.json`.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Error, variable};

/// The current context of this user's `docker`, unless it is the default one. skep does not read contexts.
pub fn context() -> Option<String> {
    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Chosen {
        current_context: String,
    }
    let written = || {
        let text = fs::read_to_string(settings_file()?).ok()?;
        Some(serde_json::from_str::<Chosen>(&text).ok()?.current_context)
    };
    let name = variable("DOCKER_CONTEXT").or_else(written)?;
    Some(name).filter(|name| !name.is_empty() && name != "default")
}

/// The file and its text, which contains the logins of this user; `None` if there is no such file.
pub fn settings() -> Result<Option<(PathBuf, String)>, Error> {
    let Some(path) = settings_file() else { return Ok(None) };
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Unreadable { path, source }),
        Ok(text) => Ok(Some((path, text))),
    }
}

fn settings_file() -> Option<PathBuf> {
    let folder = variable("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")));
    folder.map(|folder| folder.join("config.json"))
}
