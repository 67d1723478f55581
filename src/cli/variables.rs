//! Variables of stack files that are given on the command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::config::{self, Settings};
use crate::source::folder;
use crate::source::read::MAX_TEXT;
use crate::stack::dotenv;
use crate::stack::file::ASKED_PROFILES;
use crate::stack::gather::NO_ENV_FILE;
use crate::stack::variables::{Origin, Set, Variables, is_name};

/// The most bytes that variables in `--env-file` files may insert.
const MAX_TEXTS: usize = 4 << 20;

/// The options of every command that reads stack files.
#[derive(Debug, Args)]
pub(super) struct Given {
    /// Set a variable of the stack file; NAME alone takes its value from this shell
    #[arg(long = "env", short = 'e', value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Read variables from this file instead of `.env` beside the stack file
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    /// Include services with this profile
    #[arg(long = "profile", value_name = "NAME")]
    profiles: Vec<String>,
}

/// The source of stack files, which decides which variables of the settings and the environment apply.
#[derive(Debug, Clone, Copy)]
pub(super) enum For<'a> {
    /// A folder: variables of the repository with its name, for the branch that is checked out.
    Folder(&'a Path),
    /// A local file: the environment also applies.
    OwnFile,
    /// A file that is linted only.
    AnyFile,
}

impl Given {
    /// The variables from outside of the repository, each with its effective value.
    pub(super) fn variables(&self, settings: &Settings, whose: For<'_>) -> anyhow::Result<Set> {
        let mut places = match whose {
            For::Folder(path) => of_folder(settings, path),
            For::OwnFile | For::AnyFile => settings.variable_places(None, None),
        };
        let mut outer = vec![(Origin::CommandLine, self.set()?)];
        if matches!(whose, For::OwnFile) {
            outer.push((Origin::Shell, config::environment()));
        }
        places.push((Origin::EnvFile, self.of_files(&Variables::of(outer.clone()))?));
        places.extend(outer);
        Ok(with_profiles(Variables::of(places).flat(), &self.profiles))
    }

    fn set(&self) -> anyhow::Result<Set> {
        let environment = config::environment();
        let variable = |text: &String| {
            let (name, value) = text.split_once('=').map_or((text.as_str(), None), |(name, value)| (name, Some(value)));
            anyhow::ensure!(is_name(name), "`{name}` cannot be the name of a variable; write `-e NAME=value`");
            let value = value.or_else(|| environment.get(name).map(String::as_str));
            let value = value.with_context(|| format!("{name} is not set in this shell; write `-e {name}=value`"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        self.set.iter().map(variable).collect()
    }

    /// The variables in the files; a later file overrides an earlier one.
    fn of_files(&self, outer: &Variables) -> anyhow::Result<Set> {
        let (mut set, mut room) = (Set::new(), MAX_TEXTS);
        for file in &self.env_files {
            let text = read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let after = dotenv::parse_after(&text, outer, set, &mut room);
            set = after.map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
        }
        if !self.env_files.is_empty() {
            set.insert(NO_ENV_FILE.to_owned(), "true".to_owned());
        }
        Ok(set)
    }
}

fn of_folder(settings: &Settings, path: &Path) -> Vec<(Origin, Set)> {
    let folder = path.canonicalize().unwrap_or_default();
    let name = folder.file_name().and_then(|name| name.to_str());
    let configured = name.and_then(|name| settings.repositories.get(name)).map(|one| one.branch.clone());
    settings.variable_places(name, folder::branch(path).or(configured).as_deref())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(file)?.take(MAX_TEXT + 1).read_to_end(&mut text)?;
    anyhow::ensure!(text.len() as u64 <= MAX_TEXT, "it is larger than {} MiB", MAX_TEXT >> 20);
    Ok(text)
}

/// Adds the requested profiles to the variables.
fn with_profiles(mut variables: Set, profiles: &[String]) -> Set {
    if !profiles.is_empty() {
        variables.insert(ASKED_PROFILES.to_owned(), profiles.join(","));
    }
    variables
}
