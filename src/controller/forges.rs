//! The forge of each repository, by the settings alone: who may send its webhooks, and where its commit statuses go.
//!
//! The token of a forge is sent only to the address of that forge in the settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::config::{self, Repository, Settings};
use crate::forge::{self, Forge, Project, Reporter};

/// A permitted sender of webhooks.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The kind of forge that they come from.
    pub forge: Forge,
    /// The accepted secrets.
    pub secrets: Vec<SecretString>,
}

/// The permitted senders of webhooks by repository. Repositories of one forge share its secrets.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    distinct: Vec<Hook>,
    /// The index in `distinct` by repository.
    places: BTreeMap<String, usize>,
}

impl Hooks {
    /// Accepts webhooks for a repository.
    #[must_use]
    pub fn with(mut self, repository: &str, hook: Hook) -> Self {
        let known = self.distinct.iter().position(|known| known.is_same(&hook));
        let place = known.unwrap_or(self.distinct.len());
        if known.is_none() {
            self.distinct.push(hook);
        }
        self.places.insert(repository.to_owned(), place);
        self
    }

    /// The permitted sender for a repository.
    pub fn of(&self, repository: &str) -> Option<&Hook> {
        self.distinct.get(*self.places.get(repository)?)
    }

    /// All senders, each once.
    pub fn distinct(&self) -> impl Iterator<Item = &Hook> {
        self.distinct.iter()
    }

    /// The repositories of a sender.
    pub fn repositories_of(&self, hook: &Hook) -> Vec<&str> {
        let is_of = |place: &usize| self.distinct[*place].is_same(hook);
        self.places.iter().filter(|(_, place)| is_of(place)).map(|(name, _)| name.as_str()).collect()
    }
}

impl Hook {
    fn is_same(&self, other: &Self) -> bool {
        let secrets = |hook: &'_ Self| hook.secrets.iter().map(|it| it.expose_secret().to_owned()).collect::<Vec<_>>();
        self.forge == other.forge && secrets(self) == secrets(other)
    }
}

/// Why the settings of a forge cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No forge has this name.
    #[error("`forge: {name}` is neither in `forges` nor a kind of forge; {known}", known = known(settings))]
    Unknown {
        /// The name.
        name: String,
        /// The names in `forges`.
        settings: Vec<String>,
    },
    /// The kind of a forge is not known.
    #[error("`forges.{name}`: `{kind}` is not a kind of forge; write `kind`, one of {kinds}", kinds = Forge::names().join(", "))]
    Kind {
        /// The name of the forge.
        name: String,
        /// Its kind.
        kind: String,
    },
    /// The address of a forge is not known.
    #[error("`forges.{name}` needs its address; write `url`, such as https://forge.example.com")]
    Url {
        /// The name of the forge.
        name: String,
    },
    /// A file cannot be used.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The forge cannot be reported to.
    #[error(transparent)]
    Forge(#[from] forge::Error),
}

impl Error {
    /// Whether the cause is a file that can be corrected without other settings.
    pub(super) fn is_of_a_file(&self) -> bool {
        matches!(self, Self::Config(_))
    }
}

fn known(settings: &[String]) -> String {
    let names = if settings.is_empty() { "no forge is set".into() } else { format!("set are {}", settings.join(", ")) };
    format!("{names}, and the kinds are {}", Forge::names().join(", "))
}

/// A repository on its forge.
struct Place<'a> {
    forge: Forge,
    base: String,
    project: Option<String>,
    token_file: Option<&'a Path>,
    secret_files: &'a [PathBuf],
}

/// The permitted senders of webhooks. A repository without a secret accepts none, and neither does one with invalid
/// settings, which its watcher reports.
pub fn hooks(settings: &Settings) -> Result<Hooks, Error> {
    for (name, forge) in &settings.forges {
        base(name, forge)?;
    }
    let mut hooks = Hooks::default();
    for (name, repository) in &settings.repositories {
        let Ok(Some(place)) = place(settings, repository) else { continue };
        let secrets: Vec<_> = place.secret_files.iter().map(|file| config::secret(file)).collect::<Result<_, _>>()?;
        if !secrets.is_empty() {
            hooks = hooks.with(name, Hook { forge: place.forge, secrets });
        }
    }
    Ok(hooks)
}

/// The forge that gets the commit statuses of a repository, if there is one.
pub(super) fn reporter(settings: &Settings, repository: &Repository) -> Result<Option<Reporter>, Error> {
    let Some(Place { forge, base, project: Some(project), token_file: Some(token), .. }) = place(settings, repository)?
    else {
        return Ok(None);
    };
    let authorities = settings.ca_file.as_deref().map(config::certificates).transpose()?.unwrap_or_default();
    let project = Project::new(forge, &base, &project)?;
    Ok(Some(Reporter::new(forge, project, config::secret(token)?, &authorities)?))
}

fn place<'a>(settings: &'a Settings, repository: &'a Repository) -> Result<Option<Place<'a>>, Error> {
    let (forge, base, shared) = match &repository.forge {
        Some(name) => match (settings.forges.get(name), Forge::named(name)) {
            (Some(shared), _) => {
                let (forge, base) = base(name, shared)?;
                (forge, base, Some(shared))
            }
            // Only the token is set: the forge is at the address of the repository.
            (None, Some(forge)) => (forge, origin(&repository.url), None),
            (None, None) => {
                let settings = settings.forges.keys().cloned().collect();
                return Err(Error::Unknown { name: name.clone(), settings });
            }
        },
        None => match found(settings, &repository.url) {
            Some((forge, base, shared)) => (forge, base, Some(shared)),
            None => return Ok(None),
        },
    };
    let is_told = shared.is_none_or(|shared| !shared.is_for_all);
    // A repository with a `forge` may be fetched from another address of that forge.
    let elsewhere = || repository.forge.as_ref().and_then(|_| below(&repository.url, &origin(&repository.url)));
    let path = || below(&repository.url, &base).or_else(elsewhere).filter(|_| is_told);
    let project = repository.project.clone().or_else(path);
    let own = Some(repository.webhook_secret_files.as_slice()).filter(|files| !files.is_empty());
    Ok(Some(Place {
        forge,
        project,
        token_file: repository.token_file.as_deref().or(shared.and_then(|shared| shared.token_file.as_deref())),
        secret_files: own.or(shared.map(|shared| shared.webhook_secret_files.as_slice())).unwrap_or_default(),
        base,
    }))
}

/// The forge with the longest address that is a prefix of the repository's; otherwise the forge for all repositories.
fn found<'a>(settings: &'a Settings, url: &str) -> Option<(Forge, String, &'a config::Forge)> {
    let known = settings.forges.iter().filter_map(|(name, shared)| {
        let (forge, base) = base(name, shared).ok()?;
        Some((forge, base, shared))
    });
    let known: Vec<_> = known.collect();
    let around = known.iter().filter(|(_, base, _)| below(url, base).is_some()).max_by_key(|(_, base, _)| base.len());
    around.or_else(|| known.iter().find(|(_, _, shared)| shared.is_for_all)).cloned()
}

/// The kind of a forge, and its address.
fn base(name: &str, shared: &config::Forge) -> Result<(Forge, String), Error> {
    let kind = shared.kind.as_deref().unwrap_or(name);
    let unknown = || Error::Kind { name: name.to_owned(), kind: kind.to_owned() };
    let forge = Forge::named(kind).ok_or_else(unknown)?;
    let url = shared.url.as_deref().or(forge.home());
    Ok((forge, url.ok_or_else(|| Error::Url { name: name.to_owned() })?.to_owned()))
}

/// The scheme, host and port of an address.
fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// The path of a repository below the address of a forge, such as `team/shop`, if it is below it.
fn below(repository: &str, base: &str) -> Option<String> {
    let (repository, base) = (Url::parse(repository).ok()?, Url::parse(base).ok()?);
    if repository.host_str()? != base.host_str()? || repository.port() != base.port() {
        return None;
    }
    let folder = base.path().trim_end_matches('/');
    let path = repository.path().strip_prefix(folder)?.strip_prefix('/')?.trim_end_matches('/');
    Some(path.strip_suffix(".git").unwrap_or(path).to_owned()).filter(|path| path.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(forges: config::Forges, repositories: &[(&str, Repository)]) -> Settings {
        let repositories = repositories.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
        Settings { forges, repositories, ..Settings::default() }
    }

    fn forges(entries: &[(&str, Option<&str>)]) -> config::Forges {
        let forge = |(name, url): &(&str, Option<&str>)| {
            let url = url.map(str::to_owned);
            let secret = vec![PathBuf::from(format!("/secrets/{name}"))];
            let token_file = Some(PathBuf::from(format!("/tokens/{name}")));
            ((*name).to_owned(), config::Forge { url, webhook_secret_files: secret, token_file, ..Default::default() })
        };
        entries.iter().map(forge).collect()
    }

    fn shown(settings: &Settings, repository: &Repository) -> String {
        match place(settings, repository) {
            Ok(Some(Place { forge, base, project, token_file, secret_files })) => {
                let token = token_file.map_or("none".into(), |file| file.display().to_string());
                format!("{forge:?} {base} {} {token} {secret_files:?}", project.unwrap_or_default())
            }
            Ok(None) => "none".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_repository_is_on_the_forge_whose_address_its_own_begins_with() {
        let forges = forges(&[
            ("gitlab", Some("https://gitlab.example.com")),
            ("gitea", Some("https://example.com/git/")),
            ("github", None),
        ]);
        let settings = settings(forges, &[]);
        let urls = [
            "https://gitlab.example.com/team/sub/shop.git",
            "https://gitlab.example.com:8443/team/shop.git",
            "https://gitlab.example.com.evil.example/team/shop.git",
            "https://example.com/git/ada/shop",
            "https://example.com/gitter/ada/shop",
            "https://GitHub.com/team/shop.git/",
            "/srv/shop.git",
        ];
        let places = urls.map(|url| format!("{url}: {}", shown(&settings, &Repository::at(url))));
        insta::assert_snapshot!(places.join("\n"), @r#"
        https://gitlab.example.com/team/sub/shop.git: GitLab https://gitlab.example.com team/sub/shop /tokens/gitlab ["/secrets/gitlab"]
        https://gitlab.example.com:8443/team/shop.git: none
        https://gitlab.example.com.evil.example/team/shop.git: none
        https://example.com/git/ada/shop: Gitea https://example.com/git/ ada/shop /tokens/gitea ["/secrets/gitea"]
        https://example.com/gitter/ada/shop: none
        https://GitHub.com/team/shop.git/: GitHub https://github.com team/shop /tokens/github ["/secrets/github"]
        /srv/shop.git: none
        "#);
    }

    #[test]
    fn a_repository_may_name_its_forge_and_have_secrets_of_its_own() {
        let repository = |forge: &str| Repository {
            forge: Some(forge.into()),
            webhook_secret_files: vec!["/own".into()],
            token_file: Some("/own-token".into()),
            ..Repository::at("http://10.0.0.7:3000/ada/shop.git")
        };
        let mut settings = settings(forges(&[("github", None), ("ours", Some("https://git.example.com"))]), &[]);
        settings.forges.get_mut("ours").unwrap().kind = Some("gitea".to_owned());
        let named = |name: &str| format!("{name}: {}", shown(&settings, &repository(name)));
        insta::assert_snapshot!(["ours", "github", "forgejo", "bitbucket"].map(named).join("\n"), @r#"
        ours: Gitea https://git.example.com ada/shop /own-token ["/own"]
        github: GitHub https://github.com ada/shop /own-token ["/own"]
        forgejo: Gitea http://10.0.0.7:3000 ada/shop /own-token ["/own"]
        bitbucket: `forge: bitbucket` is neither in `forges` nor a kind of forge; set are github, ours, and the kinds are gitlab, github, gitea, forgejo
        "#);
    }

    #[test]
    fn the_old_settings_are_for_every_repository_and_report_only_where_a_project_is_named() {
        let mut settings = settings(forges(&[("gitlab", Some("https://gitlab.example.com"))]), &[]);
        settings.forges.get_mut("gitlab").unwrap().is_for_all = true;
        let (near, far) = ("https://gitlab.example.com/team/shop.git", "https://10.0.0.7/team/shop.git");
        let named = Repository { project: Some("team/shop".into()), ..Repository::at(far) };
        let places = [Repository::at(near), Repository::at(far), named].map(|it| shown(&settings, &it));
        insta::assert_snapshot!(places.join("\n"), @r#"
        GitLab https://gitlab.example.com  /tokens/gitlab ["/secrets/gitlab"]
        GitLab https://gitlab.example.com  /tokens/gitlab ["/secrets/gitlab"]
        GitLab https://gitlab.example.com team/shop /tokens/gitlab ["/secrets/gitlab"]
        "#);
    }

    #[test]
    fn a_forge_that_cannot_be_used_is_told_before_the_start() {
        let wrong =
            |name: &str, url: Option<&str>| hooks(&settings(forges(&[(name, url)]), &[])).unwrap_err().to_string();
        insta::assert_snapshot!([wrong("ours", Some("https://git.example.com")), wrong("gitea", None)].join("\n"), @"
        `forges.ours`: `ours` is not a kind of forge; write `kind`, one of gitlab, github, gitea, forgejo
        `forges.gitea` needs its address; write `url`, such as https://forge.example.com
        ");
        let none = settings(config::Forges::new(), &[("shop", Repository::at("https://example.com/a/b"))]);
        assert_eq!(hooks(&none).unwrap().distinct().count(), 0);
    }
}
