//! What Traefik is told before it looks at any service: by its command, by variables, by a file.

use std::collections::{BTreeMap, BTreeSet};

use super::static_file::StaticFile;
use crate::diagnostic::Span;
use crate::name::RepoPath;
use crate::stack::Nanos;
use crate::stack::file::Service;

/// Settings of Traefik: keys in small letters, such as `entrypoints.web.address`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Options(BTreeMap<String, Setting>);

/// How often Traefik asks the swarm unless it is told otherwise (`pkg/provider/docker`).
const POLL: Nanos = Nanos::seconds(15);

/// What a key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The value, as text.
    pub(crate) value: String,
    /// Where it stands, if that is in a file of its own.
    pub(crate) at: Option<(RepoPath, Span)>,
    /// How it is said.
    pub(crate) by: By,
}

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By a word of the command.
    Flag,
    /// By a variable.
    Variable,
    /// By a file.
    File,
}

impl Options {
    /// What the command, the entrypoint and the variables of a service say.
    pub(super) fn of(service: &Service) -> Self {
        let words = [&service.entrypoint, &service.command].into_iter().flatten().flat_map(|words| words.iter());
        // An option may have spaces in its value; any other word may be a script.
        let words: Vec<&str> = words
            .flat_map(
                |word| if word.starts_with("--") { vec![word.as_str()] } else { word.split_whitespace().collect() },
            )
            .collect();
        let mut options = BTreeMap::new();
        for (index, word) in words.iter().enumerate() {
            let Some(option) = word.strip_prefix("--") else { continue };
            let next = words.get(index + 1).filter(|next| !next.starts_with('-'));
            let (key, value) = match option.split_once('=') {
                Some((key, value)) => (key, value),
                None => (option, next.copied().unwrap_or("true")),
            };
            options.insert(key.to_ascii_lowercase(), Setting { value: value.to_owned(), at: None, by: By::Flag });
        }
        let mut options = Self(options);
        for (name, value) in &service.environment {
            options.add_variable(name, value.value.as_deref().unwrap_or_default());
        }
        options
    }

    /// With what an `env_file` says, after `environment`.
    pub(super) fn with_variables(mut self, text: &str) -> Self {
        for (name, value) in text.lines().filter_map(|line| line.trim_start().split_once('=')) {
            self.add_variable(name, value);
        }
        self
    }

    fn add_variable(&mut self, name: &str, value: &str) {
        let Some(key) = name.strip_prefix("TRAEFIK_") else { return };
        let key = key.to_ascii_lowercase().replace('_', ".");
        self.0.entry(key).or_insert(Setting { value: value.to_owned(), at: None, by: By::Variable });
    }

    /// With what a file says, which Traefik reads first.
    pub(super) fn with(mut self, file: StaticFile) -> Self {
        self.0.extend(file.settings);
        self
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|setting| setting.value.as_str())
    }

    /// Where a key, or the first one below it, stands in a file of its own.
    pub(crate) fn at(&self, key: &str) -> Option<&(RepoPath, Span)> {
        self.0.iter().find(|(known, _)| is_below(known, key)).and_then(|(_, setting)| setting.at.as_ref())
    }

    /// Whether a key says yes.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.eq_ignore_ascii_case("false"))
    }

    /// Whether a key, or one below it, is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.keys().any(|known| is_below(known, key))
    }

    /// The names that stand directly below a key.
    pub(crate) fn names(&self, key: &str) -> BTreeSet<&str> {
        let below = self.0.keys().filter_map(|known| known.strip_prefix(key)?.strip_prefix('.'));
        below.filter_map(|rest| rest.split('.').next()).collect()
    }

    /// Every key that begins like this, with its value.
    pub(crate) fn below(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().filter(move |(known, _)| known.starts_with(key));
        all.map(|(known, setting)| (known.as_str(), setting.value.as_str()))
    }

    /// Every key, with what it says.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// Whether it asks Docker for services or containers.
    pub(crate) fn asks_docker(&self) -> bool {
        ["providers.swarm", "providers.docker", "docker"].iter().any(|key| self.has(key))
    }

    /// How often it asks a swarm for its services, and the option that says so; none if it asks none.
    pub(crate) fn poll(&self) -> Option<(&'static str, Nanos)> {
        const OF_3: &str = "providers.swarm.refreshseconds";
        const OF_2: &str = "providers.docker.swarmmoderefreshseconds";
        let option = if self.has("providers.swarm") {
            OF_3
        } else if self.is_on("providers.docker.swarmmode") {
            OF_2
        } else {
            return None;
        };
        let Some(said) = self.get(option) else { return Some((option, POLL)) };
        let seconds = said.parse().ok().map(Nanos::seconds);
        Some((option, seconds.or_else(|| crate::stack::file::duration(said))?))
    }

    /// Whether it is told here what Traefik does, and not in a file that is part of its image.
    pub(super) fn says_something(&self) -> bool {
        ["entrypoints", "providers", "docker"].iter().any(|key| self.has(key)) && !self.has("configfile")
    }
}

/// Whether a key is this one, or one below it.
fn is_below(known: &str, key: &str) -> bool {
    known.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
