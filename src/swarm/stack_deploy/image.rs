//! Which image a service runs: what the registry says of it, as the Docker CLI asks it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::found::{Found, FoundService, get};
use super::{AT_ONCE, Options, Resolve, images, label_of_image};
use crate::engine::Call;
use crate::name::{ImageReference, ServiceName};
use crate::stack::{Service, Stack};
use crate::swarm::{Swarm, spec};

/// An image with its digest, and what it can run on.
#[derive(Debug, Clone)]
struct Resolved {
    image: String,
    platforms: Vec<spec::Platform>,
}

/// Where the image of a service comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The registry is asked.
    Registry,
    /// It stays what the service runs now.
    Running,
    /// The file says it, without a digest.
    File,
}

impl Swarm {
    /// Puts the images that are to be run into the stack. An image that no registry tells about stays as it is, with a
    /// warning. Returns what the images are for, by service.
    pub(super) async fn resolved(
        &self,
        stack: &mut Stack,
        found: &Found,
        options: &Options,
        warnings: &mut Vec<String>,
    ) -> BTreeMap<ServiceName, Vec<spec::Platform>> {
        let live = |key: &ServiceName| found.services.get(&stack.name.scoped(key.as_str()));
        let sources: BTreeMap<ServiceName, Source> = stack
            .services
            .iter()
            .map(|(key, service)| (key.clone(), source(options.resolve, service, live(key))))
            .collect();
        let asked = stack.services.iter().filter(|(key, _)| sources[*key] == Source::Registry);
        let asked: BTreeSet<(String, String)> =
            asked.map(|(_, service)| (service.image_as_written.clone(), service.image.clone())).collect();
        let requests: Vec<_> = asked.into_iter().map(|(written, image)| self.ask(written, image, options)).collect();
        let answers: BTreeMap<String, Option<Resolved>> =
            stream::iter(requests).buffer_unordered(AT_ONCE).collect().await;
        warnings
            .extend(images(stack).into_iter().filter(|image| matches!(answers.get(*image), Some(None))).map(unknown));
        let name = stack.name.clone();
        let mut platforms = BTreeMap::new();
        for (key, service) in &mut stack.services {
            match (sources[key], answers.get(&service.image_as_written)) {
                (Source::Registry, Some(Some(resolved))) => {
                    service.image.clone_from(&resolved.image);
                    platforms.insert(key.clone(), resolved.platforms.clone());
                }
                (Source::Running, _) => {
                    let running = found.services.get(&name.scoped(key.as_str())).map(FoundService::image);
                    service.image = running.unwrap_or_default();
                }
                _ => {}
            }
        }
        platforms
    }

    /// What the registry says of an image, through the engine.
    async fn ask(&self, written: String, image: String, options: &Options) -> (String, Option<Resolved>) {
        let mut call = Call::get(format!("/distribution/{image}/json"));
        call.registry_auth = options.logins.header_to_ask(&image);
        let answer: Result<Value, _> = self.engine.json(call).await;
        (written, answer.ok().map(|answer| resolved(&image, &answer)))
    }
}

impl FoundService {
    /// The image that it runs.
    pub(super) fn image(&self) -> String {
        let image = self.spec.pointer("/TaskTemplate/ContainerSpec/Image").and_then(Value::as_str);
        image.unwrap_or_default().to_owned()
    }
}

fn source(resolve: Resolve, service: &Service, live: Option<&FoundService>) -> Source {
    let same = live.is_some_and(|live| label_of_image(&live.spec) == service.image_as_written);
    match resolve {
        Resolve::Changed | Resolve::Never if same => Source::Running,
        Resolve::Always | Resolve::Changed => Source::Registry,
        Resolve::Never => Source::File,
    }
}

fn resolved(image: &str, answer: &Value) -> Resolved {
    let digest = get(get(answer, "Descriptor"), "digest").as_str().unwrap_or_default();
    let pinned = if ImageReference::of(image).digest.is_some() || digest.is_empty() || is_id(image) {
        image.to_owned()
    } else {
        format!("{image}@{digest}")
    };
    let platforms = get(answer, "Platforms").as_array().into_iter().flatten().map(platform).collect();
    Resolved { image: pinned, platforms }
}

/// Swarm's nodes do not call themselves `arm`, so that Docker leaves it out.
fn platform(platform: &Value) -> spec::Platform {
    let text = |field| get(platform, field).as_str().unwrap_or_default().to_owned();
    let architecture = Some(text("architecture")).filter(|it| !it.eq_ignore_ascii_case("arm")).unwrap_or_default();
    spec::Platform { architecture, os: text("os") }
}

fn is_id(image: &str) -> bool {
    image.len() == 64 && image.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unknown(image: &str) -> String {
    format!(
        "no registry tells the digest of {image}: each node pulls it by itself, and they may run different versions of it"
    )
}
