//! The parts that commands share: a folder as a revision, the swarm, and desired stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::output;
use super::variables::{For, Given};
use crate::build::{Builder, Limits};
use crate::config::{self, Settings};
use crate::controller::clock::Clock;
use crate::controller::cluster::Cluster;
use crate::controller::events::EventSender;
use crate::controller::origin;
use crate::controller::prepare::{self, Preparer, Refusal, Running, named as named_stacks};
use crate::controller::request::{DeployRequest, refused_of_pushes};
use crate::controller::supersede::Generation;
use crate::diagnostic::Severity;
use crate::diagnostic::render::{self, Texts};
use crate::diagnostic::suggest::did_you_mean;
use crate::diagnostic::{Diagnostic, KeyPath, Spot};
use crate::engine::{Engine, docker};
use crate::lint::{self, Checked, CheckedStack};
use crate::name::{RegistryHost, Repository, StackName};
use crate::plan::Color;
use crate::probe::Prober;
use crate::registry::{Login, Logins, Registry};
use crate::release::Cause;
use crate::revision::{Revision, Viewpoint};
use crate::sops::Keys;
use crate::source::{Objects, folder, named};
use crate::stack::Stack;
use crate::stack::interpolate::Unset;
use crate::stack::variables::Set;
use crate::store::{self, Store};
use crate::swarm::Swarm;

/// The options that select a folder or files, and one of its stacks.
#[derive(Debug, Args)]
pub(super) struct Workspace {
    /// The folder with the stack file; with `--compose-file`, the name of the stack
    #[arg(default_value = ".", value_name = "FOLDER|STACK")]
    target: PathBuf,
    /// Local stack file instead of a folder; `-` is standard input
    #[arg(long = "compose-file", short = 'c', value_name = "FILE", value_delimiter = ',')]
    files: Vec<PathBuf>,
    /// Name of the stack [default: from the file, else the name of the folder]
    #[arg(long, value_name = "NAME")]
    stack: Option<StackName>,
    #[command(flatten)]
    given: Given,
    /// Deploy the file exactly, without skep's rewriting
    #[arg(long)]
    as_written: bool,
}

/// A folder that passed the checks.
pub(super) struct Opened {
    /// The request, without any consent.
    pub(super) request: DeployRequest,
    /// The name of the stack from the command line.
    given: Option<StackName>,
}

impl Opened {
    /// The selected stacks by name.
    pub(super) fn stacks(&self) -> Result<Vec<(StackName, &CheckedStack)>, Refusal> {
        named_stacks(&self.request.checked, self.given.as_ref(), &self.request.fallback)
    }

    /// Notes on objects of other stacks that a push from a repository with this folder's name would be refused for.
    pub(super) async fn out_of_bounds(
        &self,
        cluster: &Cluster,
        stack: &Stack,
        settings: &Settings,
    ) -> anyhow::Result<Vec<String>> {
        let obstacles = cluster.out_of_bounds(stack, &settings.bounds(&self.request.fallback)).await?;
        Ok(refused_of_pushes(&self.placed(&stack.name, obstacles)))
    }

    /// The obstacles of a stack, each with its place in the file.
    pub(super) fn placed(
        &self,
        stack: &StackName,
        obstacles: Vec<Diagnostic<KeyPath>>,
    ) -> Vec<Diagnostic<Option<Spot>>> {
        let stacks = self.stacks().unwrap_or_default();
        let written = stacks.into_iter().find(|(name, _)| name == stack).map(|(_, written)| written);
        let placed = |obstacle: Diagnostic<KeyPath>| match written {
            Some(written) => prepare::placed(&self.request.checked, written, obstacle),
            None => obstacle.at(None),
        };
        obstacles.into_iter().map(placed).collect()
    }
}

impl Workspace {
    /// Reads and checks the folder or files, and prints the findings. Returns `None` if errors forbid a deploy.
    pub(super) async fn open(&self, settings: &Settings) -> anyhow::Result<Option<Opened>> {
        let variables = self.variables(settings)?;
        let (revision, objects) = self.read(variables.clone()).await?;
        let (texts, viewpoint) = (revision.texts.clone(), revision.viewpoint());
        let (findings, checked) = match lint::check(revision, &variables) {
            Ok(checked) => (checked.findings().to_vec(), Some(checked)),
            Err(rejection) => (rejection.findings, None),
        };
        let shown: Vec<_> =
            findings.into_iter().filter(|finding| finding.severity > crate::diagnostic::Severity::Info).collect();
        let (shown, texts) = seen_from(&viewpoint, shown, texts);
        if !shown.is_empty() {
            output::line(render::human(&shown, &texts, false).trim_end());
        }
        checked.iter().flat_map(Checked::stacks).for_each(|stack| tell_unset(stack, &texts, &viewpoint));
        if checked.is_none() && !settings.unknown_variables.is_empty() {
            let names = settings.unknown_variables.join(", ");
            output::line(&format!(
                "note: the controller of this swarm sets {names}, which are not set on this machine; their values are not known here"
            ));
        }
        let Some(checked) = checked else { return Ok(None) };
        Ok(Some(Opened { request: self.request(checked, objects)?, given: self.given()? }))
    }

    fn request(&self, checked: Checked, objects: Objects) -> anyhow::Result<DeployRequest> {
        Ok(DeployRequest {
            origin: origin(checked.revision(), self.repository(), None),
            checked,
            objects,
            fallback: self.fallback()?,
            base: None,
            cause: Cause::Command,
            news: true,
            since: Clock::System.now(),
            generation: Generation::only(),
            options: BTreeSet::new(),
            plans: BTreeMap::new(),
        })
    }

    async fn read(&self, variables: Set) -> anyhow::Result<(Revision, Objects)> {
        let given = variables.clone();
        let wanted = move |revision: &Revision| revision.wanted_with(&variables);
        if self.files.is_empty() {
            let file = self.target.display();
            anyhow::ensure!(!self.target.is_file(), "{file} is a file; name its folder, or `-c {file} STACK`");
            return Ok(folder::read(&self.target, wanted).await?);
        }
        let contexts = move |revision: &Revision| revision.contexts(&given);
        Ok(named::read(&self.files, self.as_written, wanted, contexts).await?)
    }

    /// The variables for the stack files.
    fn variables(&self, settings: &Settings) -> anyhow::Result<Set> {
        let whose = if self.files.is_empty() { For::Folder(&self.target) } else { For::OwnFile };
        self.given.variables(settings, whose)
    }

    /// The selected stacks exactly as written, without accessing the network.
    pub(super) fn stacks_as_written(opened: &Opened) -> anyhow::Result<Vec<Stack>> {
        let rendered = |(name, stack)| prepare::as_written(&opened.request.checked, stack, name);
        Ok(opened.stacks()?.into_iter().map(rendered).collect::<Result<_, _>>()?)
    }

    /// The selected stacks as they would be deployed, without building anything.
    pub(super) async fn stacks(
        &self,
        opened: &Opened,
        settings: &Settings,
        events: &EventSender,
    ) -> anyhow::Result<Vec<Stack>> {
        let (preparer, cluster) = (self.preparer(settings).await?.without_building(), cluster(settings)?);
        let (request, mut stacks) = (&opened.request, Vec::new());
        for (name, stack) in opened.stacks()? {
            // Without a record, no running release is known.
            let running = cluster.history(&name).await.map(|history| Running::of(&history)).unwrap_or_default();
            let events = events.of_stack(&name);
            let desired = preparer.prepare(&request.checked, stack, &name, &request.objects, &running, &events);
            stacks.push(desired.await?);
        }
        Ok(stacks)
    }

    /// The preparer for the selected stacks.
    pub(super) async fn preparer(&self, settings: &Settings) -> anyhow::Result<Preparer> {
        Ok(preparer(settings).await?.as_written(self.as_written))
    }

    /// The name of the stack from the command line, which overrides the file.
    fn given(&self) -> anyhow::Result<Option<StackName>> {
        if self.stack.is_some() || self.files.is_empty() || self.target.as_os_str() == "." {
            return Ok(self.stack.clone());
        }
        Ok(Some(self.target.to_string_lossy().parse()?))
    }

    /// The name of a stack whose file has no name.
    fn fallback(&self) -> anyhow::Result<String> {
        if !self.files.is_empty() {
            return Ok(String::new());
        }
        let folder = self.target.canonicalize().with_context(|| format!("cannot read {}", self.target.display()))?;
        Ok(folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()))
    }

    /// The repository that releases from this folder or file record.
    pub(super) fn repository(&self) -> Repository {
        if let Some(file) = self.files.first() {
            return Repository::file(file.display());
        }
        let folder = self.target.canonicalize().unwrap_or_else(|_| self.target.clone());
        Repository::folder(folder.display())
    }
}

/// Findings and texts with paths relative to the working folder.
fn seen_from(viewpoint: &Viewpoint, mut findings: Vec<Diagnostic>, mut texts: Texts) -> (Vec<Diagnostic>, Texts) {
    for finding in &mut findings {
        finding.place.path = viewpoint.shown(&finding.place.path);
    }
    let seen: Vec<_> = texts.iter().map(|(path, text)| (viewpoint.shown(path), text.clone())).collect();
    texts.extend(seen);
    (findings, texts)
}

/// Warns of unset variables that became empty, as in Docker, which does not warn.
fn tell_unset(stack: &CheckedStack, texts: &Texts, viewpoint: &Viewpoint) {
    for Unset { span, name, .. } in &stack.file.unset {
        let place = stack.file.sources.place(span);
        let path = viewpoint.shown(&place.path);
        let text = texts.get(&place.path).cloned().unwrap_or_default();
        let spot = Spot::of(path.as_str(), &text, &place.span);
        let what = format!("the variable {name} is not set and becomes empty; set it, or write ${{{name}:-default}}");
        output::line(&render::plain(&Diagnostic::new(spot, what).rated(Severity::Warning)));
    }
}

/// The engine that the settings name.
fn engine(settings: &Settings) -> anyhow::Result<Engine> {
    Ok(Engine::Docker(docker::Client::connect(&settings.docker_host)?))
}

/// The swarm and its records.
pub(super) fn cluster(settings: &Settings) -> anyhow::Result<Cluster> {
    let engine = engine(settings)?;
    let registry = registry(settings)?;
    let mut swarm = Swarm::new(engine.clone());
    swarm.data_root = PathBuf::from(&settings.data_root);
    swarm.data_shared = settings.data_shared;
    swarm.logins = logins(settings, registry.as_ref())?;
    let store = Store::new(engine.clone()).with_keys(store::Keys::new(config::record_keys(settings)?));
    let store = store.with_scope(settings.scope.clone());
    Ok(Cluster { swarm, store, prober: Prober::new(engine), clock: Clock::System })
}

/// Says that there is no such stack; `known` are those that there are.
pub(super) fn no_stack<'a>(stack: &StackName, known: impl IntoIterator<Item = &'a StackName>) -> Diagnostic<()> {
    let all = "`skep status` lists those there are";
    let near = did_you_mean(stack.as_str(), known.into_iter().map(StackName::as_str));
    let help = near.map_or_else(|| all.to_owned(), |near| format!("{near} {all}"));
    Diagnostic::new((), format!("there is no stack `{stack}`")).help(help)
}

/// The error for a stack without services.
pub(super) async fn without_services(cluster: &Cluster, stack: &StackName) -> anyhow::Error {
    match cluster.history(stack).await {
        Err(error) => error.into(),
        Ok(history) if history.last().is_none() => {
            let recorded = cluster.store.stacks().await.unwrap_or_default();
            no_stack(stack, recorded.keys()).into()
        }
        Ok(_) => {
            anyhow::anyhow!("the stack `{stack}` has no services now; see `skep status {stack}`")
        }
    }
}

/// The settings, completed by those of the swarm's controller. Differences are reported.
pub(super) async fn shaped(mut settings: Settings) -> anyhow::Result<Settings> {
    let shaping = match cluster(&settings)?.store.shaping().await {
        Ok(shaping) => shaping,
        // Later requests report that the engine is unreachable.
        Err(error) if error.is_transient() => None,
        Err(error) => {
            output::line(&format!("note: the settings of the controller cannot be read: {error}"));
            None
        }
    };
    if let Some(shaping) = shaping {
        settings.take(&shaping).iter().for_each(|note| output::line(&format!("note: {note}")));
        settings.unknown_variables = settings.variables_of(&shaping, &config::environment());
    }
    Ok(settings)
}

/// The preparer on the engine that the settings name.
pub(super) async fn preparer(settings: &Settings) -> anyhow::Result<Preparer> {
    let limits = Limits { at_once: settings.builds.max(1), ..Limits::default() };
    let registry = registry(settings)?;
    let logins = logins(settings, registry.as_ref())?;
    let engine = engine(settings)?;
    // Whoever prepares needs the engine before anything else.
    engine.version().await?;
    let builder = Builder::new(engine, registry, limits).with_logins(logins);
    Ok(Preparer::new(builder, Arc::new(settings.clone())).with_keys(keys(settings)?))
}

/// The keys for decrypting secrets.
fn keys(settings: &Settings) -> anyhow::Result<Keys> {
    let mut keys = Keys::default();
    for (origin, text) in config::age_keys(&settings.sops)? {
        keys.extend(Keys::parse(&text).with_context(|| format!("{origin} does not hold age keys"))?);
    }
    Ok(keys)
}

/// The logins in the settings, each for images of its own registry.
fn logins(settings: &Settings, registry: Option<&Registry>) -> anyhow::Result<Logins> {
    let mut logins = registry.map(Registry::logins).unwrap_or_default();
    for (host, account) in &settings.registries {
        let host = RegistryHost::of_prefix(host);
        let login = Login::new(&host, &account.username, config::secret(&account.password_file)?);
        logins.insert(host, login);
    }
    Ok(logins)
}

fn registry(settings: &Settings) -> anyhow::Result<Option<Registry>> {
    let Some(registry) = &settings.registry else { return Ok(None) };
    let password = registry.password_file.as_deref().map(config::secret).transpose()?;
    let host = RegistryHost::of_prefix(&registry.prefix);
    let login = registry.username.clone().zip(password).map(|(user, password)| Login::new(&host, user, password));
    let authorities =
        registry.ca_file.as_deref().or(settings.ca_file.as_deref()).map(config::certificates).transpose()?;
    Ok(Some(Registry {
        prefix: registry.prefix.clone(),
        insecure: registry.insecure,
        authorities: authorities.unwrap_or_default(),
        login,
    }))
}

/// Colours `text` if results are coloured.
pub(super) fn painted(text: &str, ansi: &str, color: Color) -> String {
    if color == Color::Always { format!("\u{1b}[{ansi}m{text}\u{1b}[0m") } else { text.to_owned() }
}
