//! Contexts and the engine's builder: from the files of a commit to an image with a digest.
//!
//! An image is named by the [key](context::Context::key) of its inputs, so an existing image is not built again,
//! by any replica and for any branch. An image gets that name only after its test has passed. With a
//! registry, images are pushed and deployed by digest; without one they stay on this
//! engine with the prefix [`LOCAL`].
//!
//! Dropping a future of this module cancels its work in the engine. Not handled here: images for other
//! platforms than the engine's, build secrets and SSH agents, and caches in registries.

mod buildkit;
pub mod context;
mod error;
mod foreign;
pub mod kept;
mod log;
mod make;
mod progress;
mod session;
mod tarball;
mod trial;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use self::error::Error;
pub use self::log::{Log, Report};
pub use self::tarball::{Objects, ReadError};
use crate::engine::{Call, Engine};
use crate::name::{ImageReference, ServiceName, StackName};
use crate::registry::{Logins, Registry};
use crate::stack::recipe::Recipe;

pub use crate::stack::LOCAL_IMAGES as LOCAL;

/// The limits of builds.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most bytes of one file of a context.
    pub file: u64,
    /// The most bytes of a context.
    pub context: u64,
    /// How long a build may take, without its upload.
    pub build: Duration,
    /// How long a test may take.
    pub test: Duration,
    /// How long an upload may take.
    pub upload: Duration,
    /// The most concurrent builds.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 512 << 20,
            context: 1 << 30,
            build: Duration::from_mins(15),
            test: Duration::from_mins(5),
            upload: Duration::from_mins(15),
            at_once: 2,
        }
    }
}

/// A request for an image.
#[derive(Clone)]
pub struct Request {
    /// The stack that needs it, a part of its name.
    pub stack: StackName,
    /// How it is built.
    pub recipe: Recipe,
    /// The build context.
    pub context: context::Context,
    /// The [key](context::Context::key) of all inputs.
    pub key: String,
    /// Whether the engine asks registries for newer base images first. It should when the key has a digest of each;
    /// else a base that is only on this engine would be missed.
    pub pull: bool,
    /// Reads the files.
    pub objects: Objects,
    /// Takes what is reported of it as it comes.
    pub log: Log,
}

/// An existing image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The reference to deploy: `name:tag@sha256:…`, or `name:tag` without a registry.
    pub image: String,
    /// Whether it had to be built.
    pub built: bool,
    /// The total time.
    pub took: Duration,
}

/// Builds images on an engine, and finds existing ones.
pub struct Builder {
    engine: Engine,
    registry: Option<(Registry, oci_client::Client)>,
    logins: Logins,
    limits: Limits,
    slots: Semaphore,
    /// Images known to be in the registry, by name and tag.
    pushed: Mutex<HashMap<String, String>>,
    /// The locks of images being built, by name and tag.
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// Digests of third-party images, and when they were resolved.
    resolved: Mutex<HashMap<String, (String, Instant)>>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Builder {
    /// A builder on an engine. Nothing is asked of it yet.
    pub fn new(engine: Engine, registry: Option<Registry>, limits: Limits) -> Self {
        Self {
            engine,
            logins: registry.as_ref().map(Registry::logins).unwrap_or_default(),
            registry: registry.map(|registry| (registry.clone(), registry.client())),
            slots: Semaphore::new(limits.at_once),
            limits,
            pushed: Mutex::default(),
            turns: Mutex::default(),
            resolved: Mutex::default(),
        }
    }

    /// Adds logins for other registries, for third-party images.
    #[must_use]
    pub fn with_logins(mut self, logins: Logins) -> Self {
        self.logins = logins;
        self
    }

    /// The name and tag of the image of a service.
    pub fn image_name(&self, stack: &StackName, service: &ServiceName, key: &str) -> String {
        // Repositories have no capital letters, services may.
        format!("{}/{stack}/{}:{key}", self.prefix(), service.as_str().to_ascii_lowercase())
    }

    /// What [`ensure`](Self::ensure) would answer, as far as that is known without building: the image with its digest
    /// if it is there, else its name and tag.
    pub async fn named(&self, stack: &StackName, service: &ServiceName, key: &str) -> Result<String, Error> {
        let name = self.image_name(stack, service, key);
        Ok(self.known(&name).await?.unwrap_or(name))
    }

    /// The image of a request: found by its key, else built, tested, pushed.
    ///
    /// Of several concurrent requests for the same image, the first builds it and the others find it.
    pub async fn ensure(&self, request: Request) -> Result<Built, Error> {
        let started = Instant::now();
        let name = self.image_name(&request.stack, &request.recipe.service, &request.key);
        let turn = self.turn(&name);
        let _turn = turn.lock().await;
        let (image, built) = match self.known(&name).await? {
            Some(image) => (image, false),
            None => (self.make(Arc::new(request), &name).await?, true),
        };
        Ok(Built { image, built, took: started.elapsed() })
    }

    /// Whether two names of images that skep has built are the same image of the same service: by digest where a registry
    /// has them, else as this engine knows them.
    pub async fn is_same(&self, one: &str, other: &str) -> Result<bool, Error> {
        if !is_of_one_service(one, other) {
            return Ok(false);
        }
        if let (Some(one), Some(other)) = (ImageReference::of(one).digest, ImageReference::of(other).digest) {
            return Ok(one == other);
        }
        let (one, other) = (self.local_id(one).await?, self.local_id(other).await?);
        Ok(one.is_some() && one == other)
    }

    /// Removes the images from this engine that skep built here and `keep` does not name; those that it removed.
    ///
    /// `keep` has images as [`Built`] names them. An image that a container uses stays until a later call.
    pub async fn remove_images(&self, keep: &BTreeSet<String>) -> Result<Vec<String>, Error> {
        let keep: BTreeSet<&str> = keep.iter().map(|image| ImageReference::of(image).tagged()).collect();
        let mut removed = Vec::new();
        for image in self.own_images().await? {
            if !keep.contains(image.as_str()) && self.remove(&image).await? {
                removed.push(image);
            }
        }
        Ok(removed)
    }

    fn prefix(&self) -> &str {
        self.registry.as_ref().map_or(LOCAL, |(registry, _)| registry.prefix.trim_end_matches('/'))
    }

    /// The lock for building this image.
    fn turn(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().expect("nobody panics while holding it");
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = turns.get(name).and_then(Weak::upgrade).unwrap_or_default();
        turns.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// What to deploy for a name and tag, if it is there: in the registry, or without one on this engine.
    ///
    /// What the registry had once is not asked for again. The engine always is: anyone may remove its images.
    async fn known(&self, name: &str) -> Result<Option<String>, Error> {
        let Some((registry, client)) = &self.registry else {
            return Ok(self.is_local(name).await?.then(|| name.to_owned()));
        };
        let cached = self.pushed.lock().expect("nobody panics while holding it").get(name).cloned();
        if cached.is_some() {
            return Ok(cached);
        }
        let Some(digest) = registry.digest(client, name).await? else { return Ok(None) };
        let image = format!("{name}@{digest}");
        self.pushed.lock().expect("nobody panics while holding it").insert(name.to_owned(), image.clone());
        Ok(Some(image))
    }

    async fn own_images(&self) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Image {
            #[serde(default)]
            repo_tags: Vec<String>,
        }
        let own = |image: Image| {
            let names = image.repo_tags.into_iter().filter(|name| is_own(name, self.prefix()));
            Some(names.collect::<Vec<_>>())
        };
        Ok(self.engine.list(Call::get("/images/json"), own).await?.concat())
    }
}

/// Whether two names of images that skep has built, or will build, are of the same service, in the same registry.
pub fn is_of_one_service(one: &str, other: &str) -> bool {
    ImageReference::of(one).repository() == ImageReference::of(other).repository()
}

/// Whether skep gave an image this name: `<prefix>/<stack>/<service>:<key>`.
fn is_own(name: &str, prefix: &str) -> bool {
    let image = ImageReference::of(name);
    let path = image.repository().strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
    let (Some(path), Some(key)) = (path, image.tag) else { return false };
    path.split('/').count() == 2 && key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_that_skep_named_are_its_own() {
        let key = "cbe36db86e402d3c15f98a4f9a98d1b7";
        let own = |name: &str| is_own(&name.replace("KEY", key), "r.example.com/team");
        assert!(own("r.example.com/team/shop/web:KEY"));
        let foreign =
            ["r.example.com/team/shop/web:1", "r.example.com/team/web:KEY", "r.example.com/teams/shop/web:KEY"];
        assert!(foreign.iter().all(|name| !own(name)) && !own("redis:7") && !own("x/r.example.com/team/shop/web:KEY"));
    }
}
