//! The settings. No other module reads the environment or the settings file.
//!
//! Settings come from one file (`/etc/skep/skep.yml`, or what `SKEP_CONFIG` or `--config` name); each field of
//! [`Settings`] can be left out. A few can also be given in the environment, which goes first: `SKEP_CONFIG` (the
//! file), `SKEP_DATA`, `SKEP_RUNTIME`, `SKEP_DATA_ROOT`, `SKEP_DATA_SHARED`, `SKEP_LISTEN`, `SKEP_TOKEN_FILE`,
//! `SKEP_CA_FILE`, `SKEP_REGISTRY` (its prefix), `SKEP_SCOPE`, `SKEP_CONTROLLER` (for commands on other machines), `DOCKER_HOST`, `SOPS_AGE_KEY_FILE` and `SOPS_AGE_KEY` (keys of age
//! `SOPS_AGE_KEY_FILE` and `SOPS_AGE_KEY` (keys of age themselves). Secrets are named by the file they are in, so that
//! a Swarm secret can be used, and are read once.

pub mod docker;
mod forges;
mod misread;
mod process;
mod registries;
mod shaping;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};

pub use forges::{Forge, Forges};
pub use process::{is_running, process};
pub use registries::{Account, Registries};

use crate::diagnostic::{Diagnostic, Span, Spot};
use crate::name::{Invalid, StackName};
use crate::name::{RepoPath, Scope};
use crate::policy::{self, Bounds};
use crate::render;
use crate::stack::Nanos;
use crate::stack::variables::Set;
pub use variables::{Branch, Pushed};

/// The settings that shape stacks and can be taken from the controller of a swarm.
const SHAPING: [&str; 4] = ["registry", "data_root", "data_shared", "traefik"];
/// The shortest key for records, in characters.
const SHORTEST_KEY: usize = 32;

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where skep keeps its own files: mirrors and caches, which can be lost, and the repositories that are pushed to.
    pub data: PathBuf,
    /// Where skep creates a folder for the Git hook and its socket, on this machine; by default the folder for
    /// temporary files.
    pub runtime: Option<PathBuf>,
    /// Where named volumes are kept, the same folder on every node.
    pub data_root: String,
    /// Whether that folder is on storage that all nodes share.
    pub data_shared: bool,
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// The engine: `unix:///path` or `tcp://host:port`.
    pub docker_host: String,
    /// Files that hold a token for `git push`; any of them is accepted. Without one, nobody can push.
    pub token_files: Vec<PathBuf>,
    /// Files that hold a key which records of releases are authenticated with: the first one signs, any is accepted.
    pub record_key_files: Vec<PathBuf>,
    /// Certificates of your own authorities, in PEM: for registries, Git hosts and forges, in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Where built images are pushed; without it they stay on this node.
    pub registry: Option<Registry>,
    /// Logins to other registries, by host: for images that skep does not build.
    pub registries: Registries,
    /// How encrypted secrets are decrypted.
    pub sops: Sops,
    /// How Traefik is set up.
    pub traefik: Traefik,
    /// The forges whose webhooks are accepted and to which results are reported, by name.
    pub forges: Forges,
    /// The old form of a forge, which is read into `forges`.
    pub gitlab: Option<Forge>,
    /// The watched repositories, by name. A repository with invalid settings is kept, with the reason
    /// ([`Repository::trouble`]).
    #[serde(deserialize_with = "each_repository")]
    pub repositories: BTreeMap<String, Repository>,
    /// Settings of repositories on skep's own server, by name.
    pub pushed: BTreeMap<String, Pushed>,
    /// Values for `${NAME}` in the stack files of all repositories.
    pub variables: Set,
    /// How many stacks may be changed at once. A stack whose tasks do not start, or that fails otherwise, does not count.
    pub rollouts: usize,
    /// How many images may be built at once.
    pub builds: usize,
    /// The largest push, in bytes.
    pub max_push: u64,
    /// What repositories may use of other stacks, by the repository's name or `*` for each: full names of secrets,
    /// configs, networks, volumes and stacks, folders with all below them, or `*` for everything.
    pub allow: BTreeMap<String, BTreeSet<String>>,
    /// The settings that shape stacks and are set on this machine.
    #[serde(skip)]
    pub given: BTreeSet<&'static str>,
    /// Variables that the controller of the swarm sets and this machine does not.
    #[serde(skip)]
    pub unknown_variables: Vec<String>,
    /// The scope of this controller, where several share the swarm (`SKEP_SCOPE`).
    #[serde(skip)]
    pub scope: Scope,
    /// The stack that skep itself runs in, if known.
    #[serde(skip)]
    pub own_stack: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "/data/skep".into(),
            runtime: None,
            data_root: "/data".into(),
            data_shared: false,
            listen: SocketAddr::from(([0, 0, 0, 0], 8484)),
            docker_host: "unix:///var/run/docker.sock".into(),
            token_files: Vec::new(),
            record_key_files: Vec::new(),
            ca_file: None,
            registry: None,
            registries: Registries::new(),
            sops: Sops::default(),
            traefik: Traefik::default(),
            forges: Forges::new(),
            gitlab: None,
            repositories: BTreeMap::new(),
            pushed: BTreeMap::new(),
            variables: Set::new(),
            rollouts: 8,
            builds: 2,
            max_push: 256 * 1024 * 1024,
            allow: BTreeMap::new(),
            given: BTreeSet::new(),
            unknown_variables: Vec::new(),
            scope: Scope::default(),
            own_stack: None,
        }
    }
}

/// A registry that built images are pushed to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// What image names begin with, such as `registry.example.com/apps`.
    pub prefix: String,
    /// The user who logs in.
    pub username: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// Whether to connect without TLS. The engines need the registry in their own `insecure-registries`.
    #[serde(default)]
    pub insecure: bool,
    /// Certificates of its authorities, in PEM, if they are not in the `ca_file` of all settings. The engines need them
    /// in `/etc/docker/certs.d/<host>/ca.crt`.
    pub ca_file: Option<PathBuf>,
}

/// How secrets that are encrypted with SOPS are decrypted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sops {
    /// The file with the keys of age, as `age-keygen` writes it: several keys and comments may be in it.
    pub age_key_file: Option<PathBuf>,
    /// Keys of age from the environment.
    #[serde(skip)]
    age_key: Option<SecretString>,
}

/// The setup of Traefik, which `x-skep.http` refers to.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traefik {
    /// The overlay network of Traefik and the services behind it.
    pub network: String,
    /// The entry point for HTTPS.
    pub entrypoint: String,
    /// The entry point for HTTP, which redirects.
    pub insecure_entrypoint: String,
    /// The certificate resolver; empty for Traefik's default certificate.
    pub resolver: String,
    /// The seconds after which Traefik notices that a task stops (`providers.swarm.refreshSeconds`).
    pub refresh_seconds: u16,
}

impl Default for Traefik {
    fn default() -> Self {
        Self {
            network: "traefik".into(),
            entrypoint: "websecure".into(),
            insecure_entrypoint: "web".into(),
            resolver: "le".into(),
            refresh_seconds: 2,
        }
    }
}

impl Traefik {
    /// The input of rendering.
    pub fn rendered(&self) -> render::Traefik {
        render::Traefik {
            network: self.network.clone(),
            entrypoint: self.entrypoint.clone(),
            insecure_entrypoint: self.insecure_entrypoint.clone(),
            resolver: Some(self.resolver.clone()).filter(|resolver| !resolver.is_empty()),
            refresh: Nanos::seconds(self.refresh_seconds.into()),
        }
    }
}

/// A watched repository.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// The address that it is fetched from.
    pub url: String,
    /// The branch that is deployed.
    #[serde(default = "main")]
    pub branch: String,
    /// The stack's name; by default the repository's.
    pub stack: Option<StackName>,
    /// Seconds between two polls.
    #[serde(default = "a_minute")]
    pub poll_seconds: u64,
    /// The user who fetches.
    pub username: Option<String>,
    /// The file with the password or token.
    pub password_file: Option<PathBuf>,
    /// Its forge, by the name in the settings or by its kind; by default the forge whose address is a prefix of the
    /// repository's.
    pub forge: Option<String>,
    /// Its path on the forge, such as `team/shop`, for commit statuses; by default the rest of its address.
    pub project: Option<String>,
    /// The file with an access token for its commit statuses, instead of the forge's.
    pub token_file: Option<PathBuf>,
    /// Files with the secret of its webhook, instead of the forge's.
    #[serde(default)]
    pub webhook_secret_files: Vec<PathBuf>,
    /// Whether the next commit may take over a stack that has no owner.
    #[serde(default)]
    pub adopt: bool,
    /// Values for `${NAME}` in its stack files.
    #[serde(default, deserialize_with = "variables::texts")]
    pub variables: Set,
    /// Settings of single branches.
    #[serde(default)]
    pub branches: BTreeMap<String, Branch>,
    /// What is wrong with these settings, if they could not be read.
    #[serde(skip)]
    pub trouble: Option<String>,
}

impl Repository {
    /// A repository with this address and no other settings.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            branch: main(),
            stack: None,
            poll_seconds: a_minute(),
            username: None,
            password_file: None,
            forge: None,
            project: None,
            token_file: None,
            webhook_secret_files: Vec::new(),
            adopt: false,
            variables: Set::new(),
            branches: BTreeMap::new(),
            trouble: None,
        }
    }
}

/// Reads the settings of each repository separately: a mistake in one does not prevent others from being watched.
fn each_repository<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Repository>, D::Error> {
    let written = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let read = |name: &String, value: serde_json::Value| {
        let url = value["url"].as_str().unwrap_or_default().to_owned();
        let wrong = |why: String| Repository { trouble: Some(why), ..Repository::at(&url) };
        if let Err(why) = is_folder(name) {
            return wrong(format!("`{name}` cannot be the name of a repository: {why}"));
        }
        let understood = serde_json::from_value(value);
        understood.unwrap_or_else(|error| {
            let why = misread::of_value(&error);
            wrong(format!("the settings of the repository `{name}` are not understood: {why}"))
        })
    };
    Ok(written.into_iter().map(|(name, value)| (name.clone(), read(&name, value))).collect())
}

/// Checks that a name can be used for a folder and for a repository in a record.
fn is_folder(name: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !name.chars().all(allowed) {
        return Err("letters, digits, `-`, `_`, `.` and `/` are allowed");
    }
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.');
    if name.split('/').all(is_part) {
        Ok(())
    } else {
        Err("each part between `/` begins with another character than `.`")
    }
}

fn main() -> String {
    "main".into()
}

fn a_minute() -> u64 {
    60
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file is not understood.
    #[error("{}", wrong.clone().at(Spot::of(wrong.place.path.as_str(), text.as_bytes(), &wrong.place.span)))]
    Misread {
        /// What is wrong.
        wrong: Box<Diagnostic>,
        /// What it says.
        text: String,
    },
    /// A file does not hold what it should.
    #[error("{}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A file that should hold a secret is empty.
    #[error("{} is empty, it should hold a secret", path.display())]
    EmptySecret {
        /// The file.
        path: PathBuf,
    },
    /// An environment variable is not valid.
    #[error("{name}: {reason}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Settings {
    /// The settings of this process: from `file`, or the file that the environment names, or the default file if it
    /// exists, and from the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, Error> {
        let named = file.map(Path::to_owned).or_else(|| variable("SKEP_CONFIG").map(PathBuf::from));
        let usual = Path::new("/etc/skep/skep.yml");
        let mut settings = match named {
            Some(path) => Self::read(&path)?,
            None if usual.exists() => Self::read(usual)?,
            None => Self::default(),
        };
        settings.override_with(variable)?;
        Ok(settings)
    }

    /// What a repository may use beyond its own stacks.
    pub fn bounds(&self, repository: &str) -> Bounds {
        let allowed = ["*", repository].into_iter().filter_map(|name| self.allow.get(name));
        Bounds {
            data_root: self.data_root.clone(),
            traefik_network: self.traefik.network.clone(),
            own_stack: self.own_stack.clone().unwrap_or_else(|| policy::SKEP.to_owned()),
            own_data: self.data.to_string_lossy().into_owned(),
            allowed: allowed.flatten().cloned().collect(),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|wrong| {
            let file = RepoPath::as_given(&path.to_string_lossy());
            Error::Misread { wrong: Box::new(wrong.in_file(file)), text }
        })
    }

    fn parse(text: &str) -> Result<Self, Diagnostic<Span>> {
        let is_said = |line: &str| !line.is_empty() && !line.starts_with('#');
        if !text.lines().map(str::trim).any(is_said) {
            return Ok(Self::default());
        }
        let mut settings: Self = serde_saphyr::from_str(text).map_err(|error| misread::in_text(text, &error))?;
        let at_keys = |wrong| misread::at_keys(text, wrong);
        settings.take_old_forge().map_err(at_keys)?;
        settings.check_registries().map_err(at_keys)?;
        let keys: BTreeMap<String, serde_json::Value> = serde_saphyr::from_str(text).unwrap_or_default();
        let given = SHAPING.into_iter().filter(|key| keys.contains_key(*key)).collect();
        Ok(Self { given, ..settings })
    }

    fn override_with(&mut self, variable: impl Fn(&'static str) -> Option<String>) -> Result<(), Error> {
        if let Some(data) = variable("SKEP_DATA") {
            self.data = data.into();
        }
        if let Some(runtime) = variable("SKEP_RUNTIME") {
            self.runtime = Some(runtime.into());
        }
        if let Some(data_root) = variable("SKEP_DATA_ROOT") {
            self.given.insert("data_root");
            self.data_root = data_root;
        }
        self.token_files.extend(variable("SKEP_TOKEN_FILE").map(PathBuf::from));
        self.record_key_files.extend(variable("SKEP_RECORD_KEY_FILE").map(PathBuf::from));
        if let Some(file) = variable("SKEP_CA_FILE") {
            self.ca_file = Some(file.into());
        }
        if let Some(prefix) = variable("SKEP_REGISTRY") {
            self.given.insert("registry");
            let registry = Registry { prefix, username: None, password_file: None, insecure: false, ca_file: None };
            self.registry = Some(registry);
        }
        if let Some(file) = variable("SOPS_AGE_KEY_FILE") {
            self.sops.age_key_file = Some(file.into());
        }
        self.sops.age_key = variable("SOPS_AGE_KEY").map(SecretString::from);
        if let Some(host) = variable("DOCKER_HOST") {
            self.docker_host = host;
        }
        self.override_parsed(variable)
    }

    /// Overrides the settings whose variables may be invalid.
    fn override_parsed(&mut self, variable: impl Fn(&'static str) -> Option<String>) -> Result<(), Error> {
        if let Some(shared) = variable("SKEP_DATA_SHARED") {
            self.given.insert("data_shared");
            let reason = format!("`{shared}` is neither `true` nor `false`");
            let invalid = |_| Error::Variable { name: "SKEP_DATA_SHARED", reason };
            self.data_shared = shared.parse().map_err(invalid)?;
        }
        if let Some(listen) = variable("SKEP_LISTEN") {
            let invalid = |_| Error::Variable {
                name: "SKEP_LISTEN",
                reason: format!("`{listen}` is not an address and port such as 0.0.0.0:8484"),
            };
            self.listen = listen.parse().map_err(invalid)?;
        }
        if let Some(scope) = variable("SKEP_SCOPE") {
            let invalid = |error: Invalid| Error::Variable { name: "SKEP_SCOPE", reason: error.to_string() };
            self.scope = scope.parse().map_err(invalid)?;
        }
        Ok(())
    }
}

/// Reads a secret from its file, without the line end that editors add.
pub fn secret(path: &Path) -> Result<SecretString, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() { Err(Error::EmptySecret { path: path.to_owned() }) } else { Ok(secret.to_owned().into()) }
}

/// Reads certificates of authorities, in PEM.
pub fn certificates(path: &Path) -> Result<Vec<u8>, Error> {
    let text = fs::read(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    match reqwest::Certificate::from_pem_bundle(&text) {
        Ok(certificates) if !certificates.is_empty() => Ok(text),
        _ => {
            let message = "it holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----".to_owned();
            Err(Error::Malformed { path: path.to_owned(), message })
        }
    }
}

/// The keys that records are authenticated with. A key that is also a push token is left out, because pushers know it.
pub fn record_keys(settings: &Settings) -> Result<Vec<SecretString>, Error> {
    if settings.record_key_files.is_empty() {
        return Ok(Vec::new());
    }
    let tokens: Vec<SecretString> = settings.token_files.iter().map(|path| secret(path)).collect::<Result<_, _>>()?;
    let is_token = |key: &SecretString| tokens.iter().any(|token| token.expose_secret() == key.expose_secret());
    let mut keys = Vec::new();
    for path in &settings.record_key_files {
        let key = secret(path)?;
        if is_token(&key) {
            continue;
        }
        if key.expose_secret().len() < SHORTEST_KEY {
            let message =
                format!("a record key needs at least {SHORTEST_KEY} characters; make one with `openssl rand -hex 32`");
            return Err(Error::Malformed { path: path.clone(), message });
        }
        keys.push(key);
    }
    Ok(keys)
}

/// The words of the command line that are text.
pub fn arguments() -> Vec<String> {
    std::env::args_os().skip(1).filter_map(|word| word.into_string().ok()).collect()
}

/// All environment variables whose names and values are text, for stack files on this machine.
pub fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// The environment variables of hadolint, which skep's linter also reads.
pub fn hadolint() -> BTreeMap<String, String> {
    environment().into_iter().filter(|(name, _)| name.starts_with("HADOLINT_")).collect()
}

/// The id of the container that this process runs in, if it runs in one: the engine mounts files of the container into
/// it.
pub fn own_container() -> Option<String> {
    container_of(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

fn container_of(mounts: &str) -> Option<String> {
    let is_id = |id: &&str| id.len() == 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    let ids = mounts.split("/containers/").skip(1).filter_map(|rest| rest.split('/').next());
    ids.into_iter().find(is_id).map(str::to_owned)
}

/// The texts that contain age keys, and where each comes from.
pub fn age_keys(settings: &Sops) -> Result<Vec<(String, SecretString)>, Error> {
    let mut keys = Vec::new();
    if let Some(path) = &settings.age_key_file {
        keys.push((path.display().to_string(), secret(path)?));
    }
    keys.extend(settings.age_key.clone().map(|key| ("SOPS_AGE_KEY".to_owned(), key)));
    Ok(keys)
}

/// An environment variable; an empty one counts as unset.
#[expect(clippy::disallowed_methods, reason = "this is the reader of the environment")]
pub fn variable(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_can_be_left_out() {
        let settings = Settings::parse(include_str!("../../deploy/skep.yml")).unwrap();
        assert_eq!((settings.data.as_path(), settings.listen.port()), (Path::new("/data/skep"), 8484));
    }

    #[test]
    fn a_repository_needs_only_its_url() {
        let settings =
            Settings::parse("repositories: { shop: { url: https://gitlab.example.com/team/shop.git } }").unwrap();
        let shop = &settings.repositories["shop"];
        assert_eq!((shop.branch.as_str(), shop.poll_seconds), ("main", 60));
    }

    #[test]
    fn a_mistake_in_one_repository_is_told_there_and_leaves_the_others() {
        let settings = "repositories:\n  shop: { url: https://example.com/shop.git, brunch: x }\n  blog: { url: https://example.com/blog.git }\n  \
                        wiki: { branch: main }\n  none:\n  'a:b': { url: /srv/a }\n  '../up': { url: /srv/a }\n  slow: { url: /srv/slow, poll_seconds: often }\n";
        let settings = Settings::parse(settings).unwrap();
        let trouble = settings.repositories.values().map(|it| it.trouble.as_deref().unwrap_or("fine"));
        insta::assert_snapshot!(trouble.collect::<Vec<_>>().join("\n"), @r#"
        `../up` cannot be the name of a repository: each part between `/` begins with another character than `.`
        `a:b` cannot be the name of a repository: letters, digits, `-`, `_`, `.` and `/` are allowed
        fine
        the settings of the repository `none` are not understood: invalid type: null, expected struct Repository
        the settings of the repository `shop` are not understood: there is no setting `brunch`; did you mean `branch`?
        the settings of the repository `slow` are not understood: invalid type: string "often", expected u64
        the settings of the repository `wiki` are not understood: missing field `url`
        "#);
    }

    #[test]
    fn an_unknown_setting_is_an_error_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let said = |text: &str| {
            let path = folder.path().join("skep.yml");
            fs::write(&path, text).unwrap();
            let error = Settings::read(&path).unwrap_err().to_string();
            error.replace(&*folder.path().to_string_lossy(), "FOLDER")
        };
        let wrong = [
            "listen: 0.0.0.0:80\nregistri: {}\n",
            "builds: 2\nlisten: [a]\n",
            "builds: 2\n  x: [\n",
            "gitlab: {}\nforges:\n  gitlab: {}\n",
        ];
        insta::assert_snapshot!(wrong.map(said).join("\n"), @"
        FOLDER/skep.yml:2:1: there is no setting `registri`; did you mean `registry`?
        FOLDER/skep.yml:2:9: expected string scalar
        FOLDER/skep.yml:1:9: invalid u64
        FOLDER/skep.yml:1:1: `gitlab` is the old form of `forges.gitlab`, and both are set; keep `forges.gitlab`
        ");
    }

    #[test]
    fn a_record_key_is_one_that_no_pusher_knows() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (token, key) = ("a short token".to_owned(), "k".repeat(32));
        let files = [file("token", &token), file("key", &format!("{key}\n")), file("short", "secret")];
        let [token, key, short] = files;
        let settings = |keys: &[&PathBuf]| Settings {
            token_files: vec![token.clone()],
            record_key_files: keys.iter().map(|path| (*path).clone()).collect(),
            ..Settings::default()
        };
        assert_eq!(record_keys(&settings(&[])).unwrap().len(), 0);
        assert_eq!(record_keys(&settings(&[&token])).unwrap().len(), 0);
        assert_eq!(record_keys(&settings(&[&token, &key])).unwrap()[0].expose_secret(), "k".repeat(32));
        let error = record_keys(&settings(&[&short])).unwrap_err().to_string();
        let shown = error.replace(&*folder.path().to_string_lossy(), "FOLDER");
        insta::assert_snapshot!(shown, @"FOLDER/short: a record key needs at least 32 characters; make one with `openssl rand -hex 32`");
    }

    #[test]
    fn what_is_allowed_is_allowed_to_one_repository_or_to_all() {
        let settings = Settings::parse("allow: { shop: [bank_key], '*': [shared], infra: ['*'] }").unwrap();
        let allowed = |repository: &str| settings.bounds(repository).allowed.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!([allowed("shop"), allowed("infra"), allowed("x")], ["bank_key shared", "* shared", "shared"]);
        assert_eq!(settings.bounds("shop").own_stack, "skep");
    }

    #[test]
    fn the_container_is_known_by_what_the_engine_mounts_into_it() {
        let id = "0123456789abcdef".repeat(4);
        let mounts = format!(
            "612 580 0:55 / / rw - overlay overlay rw\n630 612 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
        );
        assert_eq!(container_of(&mounts), Some(id));
        assert_eq!(container_of("25 1 8:1 / / rw - ext4 /dev/sda1 rw\n"), None);
    }

    #[test]
    fn the_environment_goes_first() {
        let mut settings = Settings::parse("data: /a").unwrap();
        settings.override_with(|name| (name == "SKEP_DATA").then(|| "/b".into())).unwrap();
        assert_eq!(settings.data, Path::new("/b"));
        settings.override_with(|name| (name == "SKEP_DATA_SHARED").then(|| "true".into())).unwrap();
        assert!(settings.data_shared);
        let error = settings.override_with(|name| (name == "SKEP_DATA_SHARED").then(|| "yes".into())).unwrap_err();
        insta::assert_snapshot!(error, @"SKEP_DATA_SHARED: `yes` is neither `true` nor `false`");
        let error = settings.override_with(|name| (name == "SKEP_LISTEN").then(|| "80".into())).unwrap_err();
        insta::assert_snapshot!(error, @"SKEP_LISTEN: `80` is not an address and port such as 0.0.0.0:8484");
    }
}
