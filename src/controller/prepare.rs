//! Prepares the desired stack from a checked revision. The result depends only on the pushed files, and preparing can be
//! repeated: existing images are not built again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::build::context::Context;
use crate::build::{self, Builder, Built};
use crate::config::Settings;
use crate::diagnostic::{Diagnostic, KeyPath, Span, Spot};
use crate::event::What;
use crate::health::RegistryAnswer;
use crate::lint::{Checked, CheckedStack};
use crate::name::{Invalid, ServiceName, StackName};
use crate::policy::Bounds;
use crate::release::History;
use crate::render::{self, Inputs};
use crate::sops::Keys;
use crate::source::{self, Objects};
use crate::stack::Stack;
use crate::stack::file::{Build, File, Service};
use crate::stack::recipe::{self, Recipe};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::computing::Computing;
use super::events::EventSender;

/// How many images are looked up at once.
const LOOKUPS: usize = 8;

/// Why a checked revision cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A name is not valid.
    #[error(transparent)]
    Name(#[from] Invalid),
    /// Two stack files of one repository have the same stack name.
    #[error("{first} and {second} are both the stack `{stack}`; give one of them another folder or `name`")]
    Twice {
        /// The stack.
        stack: StackName,
        /// One file.
        first: String,
        /// The other file.
        second: String,
    },
    /// The stack file cannot be rendered.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Render(Vec<Diagnostic<Spot>>),
    /// A file or folder for an image does not exist.
    #[error(transparent)]
    Context(#[from] build::context::Error),
    /// The variables of a Dockerfile expand to more than skep's limit.
    #[error(transparent)]
    Unbounded(#[from] recipe::Unbounded),
    /// An image in the file cannot be found.
    #[error(transparent)]
    Image(Box<Diagnostic<Option<Spot>>>),
    /// An image could not be built, tested or pushed.
    #[error(transparent)]
    Build(#[from] build::Error),
}

impl Refusal {
    /// Whether the same may succeed later without a change of the files.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Image(_) => true,
            Self::Build(error) => error.may_pass(),
            Self::Name(_) | Self::Twice { .. } | Self::Render(_) | Self::Context(_) | Self::Unbounded(_) => false,
        }
    }
}

/// Prepares stacks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Preparer {
    builder: Arc<Builder>,
    settings: Arc<Settings>,
    /// The keys for encrypted secrets.
    keys: Arc<Keys>,
    builds: bool,
    as_written: bool,
    /// Runs the rendering.
    pub(super) computing: Computing,
}

/// The images of the running release.
#[derive(Debug, Clone, Default)]
pub struct Running {
    /// Images that skep does not build, with their digest, by the name in the file.
    pinned: BTreeMap<String, String>,
    /// Images that skep has built, by service.
    built: BTreeMap<ServiceName, String>,
}

impl Running {
    /// The running images according to the record of a stack.
    pub fn of(history: &History) -> Self {
        Self { pinned: history.pinned(), built: history.unaltered() }
    }
}

impl Preparer {
    /// A preparer on this engine.
    pub fn new(builder: Builder, settings: Arc<Settings>) -> Self {
        Self {
            builder: Arc::new(builder),
            settings,
            keys: Arc::default(),
            builds: true,
            as_written: false,
            computing: Computing::default(),
        }
    }

    /// A preparer that decrypts secrets with these keys.
    #[must_use]
    pub fn with_keys(self, keys: Keys) -> Self {
        Self { keys: Arc::new(keys), ..self }
    }

    /// A preparer that only names the images it would build.
    #[must_use]
    pub fn without_building(self) -> Self {
        Self { builds: false, ..self }
    }

    /// A preparer that renders the file as it is, without skep's additions.
    #[must_use]
    pub fn as_written(self, as_written: bool) -> Self {
        Self { as_written, ..self }
    }

    /// The desired stack of a checked stack file, with its images built; `events` concern that stack.
    pub async fn prepare(
        &self,
        checked: &Checked,
        stack: &CheckedStack,
        name: &StackName,
        objects: &Objects,
        running: &Running,
        events: &EventSender,
    ) -> Result<Stack, Refusal> {
        // A stack that cannot be rendered, such as one with a secret that cannot be decrypted, and a missing image are
        // refused before anything is built.
        self.sketch(checked, stack, name, running).await?;
        let pinned = self
            .resolved(foreign_images(&stack.file), &running.pinned)
            .await
            .map_err(|error| unfound(checked, stack, error))?;
        let recipes = stack.file.builds().map(recipe).collect();
        let images = self.built(checked, name, recipes, objects, events).await?;
        let images = self.settled(images, running, events).await?;
        self.computing.run(|| self.put_together(checked, stack, name, images, pinned)).await
    }

    /// The desired stack of a checked stack file before its images are known: the running images are assumed, and for new
    /// services a placeholder of the future name.
    pub async fn sketch(
        &self,
        checked: &Checked,
        stack: &CheckedStack,
        name: &StackName,
        running: &Running,
    ) -> Result<Stack, Refusal> {
        let placeholder = |service: &ServiceName| {
            let image = self.builder.image_name(name, service, "not-built-yet");
            let old = running.built.get(service).filter(|old| build::is_of_one_service(old, &image));
            (service.clone(), old.cloned().unwrap_or(image))
        };
        let placeholders = stack.file.builds().map(|(service, _)| placeholder(service)).collect();
        self.computing.run(|| self.put_together(checked, stack, name, placeholders, running.pinned.clone())).await
    }

    /// What a repository may use beyond its own stacks.
    pub fn bounds(&self, repository: &str) -> Bounds {
        self.settings.bounds(repository)
    }

    fn put_together(
        &self,
        checked: &Checked,
        stack: &CheckedStack,
        name: &StackName,
        images: BTreeMap<ServiceName, String>,
        pinned: BTreeMap<String, String>,
    ) -> Result<Stack, Refusal> {
        let inputs = self.inputs(checked, name, images, pinned);
        render::render(&stack.file, &inputs).map_err(|problems| Refusal::Render(rendered(checked, stack, problems)))
    }

    /// The images of the services that have a `build`.
    async fn built(
        &self,
        checked: &Checked,
        stack: &StackName,
        recipes: Vec<Recipe>,
        objects: &Objects,
        events: &EventSender,
    ) -> Result<BTreeMap<ServiceName, String>, Refusal> {
        let builds: Vec<_> =
            recipes.into_iter().map(|recipe| self.build(checked, stack, recipe, objects, events)).collect();
        stream::iter(builds).buffer_unordered(self.settings.builds.max(1)).try_collect().await
    }

    /// Keeps the running names of images that did not change: a changed context may produce the same image, and another
    /// name for it would restart every task without need.
    async fn settled(
        &self,
        mut images: BTreeMap<ServiceName, String>,
        running: &Running,
        events: &EventSender,
    ) -> Result<BTreeMap<ServiceName, String>, Refusal> {
        for (service, image) in &mut images {
            let Some(old) = running.built.get(service).filter(|old| *old != image) else { continue };
            if self.builder.is_same(old, image).await? {
                events.send(What::ImageKept { service: service.clone() });
                image.clone_from(old);
            }
        }
        Ok(images)
    }

    async fn build(
        &self,
        checked: &Checked,
        stack: &StackName,
        recipe: Recipe,
        objects: &Objects,
        events: &EventSender,
    ) -> Result<(ServiceName, String), Refusal> {
        let service = recipe.service.clone();
        let read = || Ok::<_, Refusal>((Context::of(checked.revision(), &recipe)?, bases(checked, &recipe)?));
        let (context, recipe_bases) = self.computing.run(read).await?;
        events.note(context.notes.iter().map(|note| format!("{service}: {note}")));
        let bases = self.resolved(recipe_bases.clone(), &BTreeMap::new()).await?;
        // An image without a digest is only on this engine, so no registry can have a newer one.
        let pull = recipe_bases.iter().all(|base| bases.contains_key(base));
        let key = self.computing.run(|| context.key(&recipe, &bases)).await;
        if !self.builds {
            return Ok((service, self.builder.named(stack, &recipe.service, &key).await?));
        }
        let (log, reporter) = (events.clone(), service.clone());
        let request = build::Request {
            stack: stack.clone(),
            recipe,
            context,
            key,
            pull,
            objects: bytes_of(objects.clone()),
            log: Arc::new(move |report| log.send(reported(&reporter, &report))),
        };
        let ensured = self.builder.ensure(request).await;
        events.send(ended(&service, &ensured));
        Ok((service, ensured?.image))
    }

    /// These images with the current digests of their registries, by the name in the file.
    async fn resolved(
        &self,
        images: BTreeSet<String>,
        running: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let lookup = |image: String| async move {
            let resolved = self.builder.resolve(&image, running.get(&image).map(String::as_str)).await?;
            Ok::<_, Refusal>(resolved.map(|pinned| (image, pinned)))
        };
        let lookups: Vec<_> = images.into_iter().map(lookup).collect();
        let found: Vec<_> = stream::iter(lookups).buffer_unordered(LOOKUPS).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    fn inputs<'a>(
        &'a self,
        checked: &'a Checked,
        name: &StackName,
        images: BTreeMap<ServiceName, String>,
        pinned: BTreeMap<String, String>,
    ) -> Inputs<'a> {
        Inputs {
            name: name.clone(),
            images,
            pinned,
            data_root: self.settings.data_root.clone(),
            texts: &checked.revision().texts,
            // Without a key, the changes can still be shown.
            keys: (self.builds || !self.keys.is_empty()).then_some(&self.keys),
            traefik: self.settings.traefik.rendered(),
            as_written: self.as_written,
        }
    }
}

/// The reports of the builder about an image.
fn reported(service: &ServiceName, report: &build::Report<'_>) -> What {
    let service = service.clone();
    match *report {
        build::Report::Begun => What::BuildBegun { service },
        build::Report::Line(line) => What::BuildOutput { service, line: line.to_owned() },
        build::Report::Tested => What::Tested { service },
        build::Report::Pushed { image, new_layers, known_layers } => {
            What::Pushed { service, image: image.to_owned(), new_layers, known_layers }
        }
    }
}

/// The result for an image.
fn ended(service: &ServiceName, ensured: &Result<Built, build::Error>) -> What {
    let service = service.clone();
    match ensured {
        Ok(Built { image, built: false, .. }) => What::ImageFound { service, image: image.clone() },
        Ok(Built { image, took, .. }) => What::Built { service, image: image.clone(), seconds: took.as_secs_f64() },
        Err(error) => What::BuildFailed { service, why: error.to_string(), log: error.log().to_vec() },
    }
}

/// The recipe for a service's image, from the file.
fn recipe((service, build): (&ServiceName, &Build)) -> Recipe {
    Recipe {
        service: service.clone(),
        context: build.context.value.clone(),
        dockerfile: build.dockerfile.value.clone(),
        args: build.args.clone(),
        target: build.target.as_ref().map(|target| target.value.clone()),
        test: build.test.clone(),
    }
}

/// The images of services without a `build`.
fn foreign_images(file: &File) -> BTreeSet<String> {
    let services = file.services.values().filter(|service| service.build.is_none());
    services.filter_map(|service| Some(service.image.as_ref()?.value.clone())).collect()
}

/// The error for an image that is neither in a registry nor on this engine, with its place in the file.
fn unfound(checked: &Checked, stack: &CheckedStack, refusal: Refusal) -> Refusal {
    let Refusal::Build(build::Error::Unresolved { image, reason, away }) = &refusal else { return refusal };
    let named = |service: &Service| service.image.as_ref().is_some_and(|written| written.value == *image);
    let Some((name, _)) = stack.file.services.iter().find(|(_, service)| named(service)) else { return refusal };
    let denied = matches!(RegistryAnswer::read(reason), Some(RegistryAnswer::Denied { .. }));
    let message = if *away {
        format!("the registry of the image `{image}` does not answer: {reason}")
    } else {
        format!("the image `{image}` cannot be found: {reason}")
    };
    let help = if *away {
        "see that the registry runs, and try again"
    } else if denied {
        "correct the name, or give skep an account that may pull it (`registry` in its settings)"
    } else {
        "correct the name or the tag, or push the image first"
    };
    let keys = KeyPath::of(["services", name.as_str(), "image"]);
    Refusal::Image(Box::new(placed(checked, stack, Diagnostic::new(keys, message).help(help))))
}

/// The images that a Dockerfile starts from.
fn bases(checked: &Checked, recipe: &Recipe) -> Result<BTreeSet<String>, Refusal> {
    let text = checked.revision().texts.get(&recipe.dockerfile).cloned().unwrap_or_default();
    Ok(recipe.base_images(&String::from_utf8_lossy(&text))?.into_iter().collect())
}

/// Reads files for the builder, opening the repository once.
fn bytes_of(objects: Objects) -> build::Objects {
    let reader = Mutex::new(None);
    Arc::new(move |entry, limit| {
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: source::Error| build::ReadError::Failed(error.to_string());
        let reader = match &mut *reader {
            Some(reader) => reader,
            none => none.insert(objects.open().map_err(failed)?),
        };
        match reader.size(&entry.id).map_err(failed)? {
            size if size > limit => Err(build::ReadError::TooLarge(size)),
            _ => reader.read(&entry.id).map_err(failed),
        }
    })
}

/// The stack of a checked stack file exactly as it is written: nothing is built, and no registry is asked.
pub fn as_written(checked: &Checked, stack: &CheckedStack, name: StackName) -> Result<Stack, Refusal> {
    let inputs = Inputs { as_written: true, ..Inputs::new(name, &checked.revision().texts) };
    render::render(&stack.file, &inputs).map_err(|problems| Refusal::Render(rendered(checked, stack, problems)))
}

/// A problem with its place in the file.
fn rendered(checked: &Checked, stack: &CheckedStack, problems: Vec<Diagnostic<Span>>) -> Vec<Diagnostic<Spot>> {
    problems.into_iter().map(|problem| spotted(checked, stack, problem, KeyPath::default())).collect()
}

/// An obstacle of a stack with its place in the file; without a place if it concerns the whole file.
pub fn placed(checked: &Checked, stack: &CheckedStack, obstacle: Diagnostic<KeyPath>) -> Diagnostic<Option<Spot>> {
    if obstacle.place.0.is_empty() {
        return obstacle.at(None);
    }
    let (keys, span) = (obstacle.place.clone(), stack.file.span_of(&obstacle.place));
    let spotted = spotted(checked, stack, obstacle.at(span), keys);
    let spot = spotted.place.clone();
    spotted.at(Some(spot))
}

fn spotted(checked: &Checked, stack: &CheckedStack, problem: Diagnostic<Span>, keys: KeyPath) -> Diagnostic<Spot> {
    let placed = stack.file.sources.placed(problem);
    let text = checked.revision().texts.get(&placed.place.path).cloned().unwrap_or_default();
    let file = checked.revision().viewpoint().shown(&placed.place.path);
    let spot = Spot::of(file.as_str(), &text, &placed.place.span);
    placed.at(Spot { keys, ..spot })
}

/// The stacks of a revision by name: the folder of `stacks/<name>`, otherwise the `given` name, otherwise the name in the
/// file, otherwise `fallback`.
pub fn named<'a>(
    checked: &'a Checked,
    given: Option<&StackName>,
    fallback: &str,
) -> Result<Vec<(StackName, &'a CheckedStack)>, Refusal> {
    let mut stacks: Vec<(StackName, &CheckedStack)> = Vec::new();
    for stack in checked.stacks() {
        let name = match (stack.source.name.as_ref().or(given), &stack.file.name) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) => name.parse()?,
            (None, None) => fallback.parse()?,
        };
        if let Some((_, first)) = stacks.iter().find(|(other, _)| *other == name) {
            let (first, second) = (first.source.path.to_string(), stack.source.path.to_string());
            return Err(Refusal::Twice { stack: name, first, second });
        }
        stacks.push((name, stack));
    }
    Ok(stacks)
}
