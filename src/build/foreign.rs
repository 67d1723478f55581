//! Third-party images: resolves names to digests.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, timeout};

use super::{Builder, Error};
use crate::engine::{self, Call};
use crate::health::RegistryAnswer;
use crate::name::ImageReference;
use crate::registry;

/// How long a registry may take to answer the engine: a little less than the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long a resolved digest is cached.
const FRESH: Duration = Duration::from_mins(5);

/// What a registry says of an image.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    #[serde(default)]
    descriptor: Descriptor,
}

#[derive(Default, Deserialize)]
struct Descriptor {
    digest: Option<String>,
}

impl Builder {
    /// Resolves an image as written to `redis:7@sha256:…`, by asking its registry through the engine.
    ///
    /// A registry that is away changes nothing: then it is what `running` is pinned to, or the digest that the engine has
    /// pulled or pushed. None when the registry does not know the image, and the engine has one of that name: it runs as
    /// written.
    pub async fn resolve(&self, image: &str, running: Option<&str>) -> Result<Option<String>, Error> {
        let not_an_image = |_| registry::Error::NotAnImage(image.to_owned());
        let reference = ImageReference::parse(image).map_err(not_an_image)?;
        reference.check_digest().map_err(not_an_image)?;
        if reference.digest.is_some() {
            return Ok(Some(image.to_owned()));
        }
        if let Some(fresh) = self.fresh(image) {
            return Ok(Some(fresh));
        }
        match self.ask(image).await {
            Ok(digest) => Ok(Some(self.pin(image, &digest))),
            Err(Error::Unresolved { away: true, .. }) if running.is_some() => Ok(running.map(str::to_owned)),
            Err(error) => self.fallback(image, error).await,
        }
    }

    /// What the engine has of an image that no registry gave a digest of.
    async fn fallback(&self, image: &str, error: Error) -> Result<Option<String>, Error> {
        let Some(digests) = self.local_digests(image).await? else { return Err(error) };
        if !matches!(error, Error::Unresolved { away: true, .. }) {
            return Ok(None);
        }
        let repository = ImageReference::of(image).repository();
        let mut known = digests.iter().map(|digest| ImageReference::of(digest));
        let known = known.find(|known| known.repository() == repository).and_then(|known| known.digest);
        Ok(known.map(|digest| pinned(image, digest)))
    }

    /// The digest of an image, which the engine gets from its registry.
    async fn ask(&self, image: &str) -> Result<String, Error> {
        let unresolved = |reason, away| Error::Unresolved { image: image.to_owned(), reason, away };
        let mut call = Call::get(format!("/distribution/{image}/json"));
        call.registry_auth = self.logins.header_to_ask(image);
        let answer = timeout(PATIENCE, self.engine.json::<Inspected>(call)).await;
        match answer.map_err(|_| unresolved("its registry does not answer in time".into(), true))? {
            Ok(found) => found.descriptor.digest.ok_or_else(|| unresolved("its registry has no digest".into(), false)),
            Err(engine::Error::Refused { status, message, .. }) => {
                let away = RegistryAnswer::of(status, &message).is_some_and(|answer| answer.is_away());
                Err(unresolved(message, away))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn fresh(&self, image: &str) -> Option<String> {
        let resolved = self.resolved.lock().expect("nobody panics while holding it");
        resolved.get(image).filter(|(_, asked)| asked.elapsed() < FRESH).map(|(pinned, _)| pinned.clone())
    }

    fn pin(&self, image: &str, digest: &str) -> String {
        let pinned = pinned(image, digest);
        let mut resolved = self.resolved.lock().expect("nobody panics while holding it");
        resolved.retain(|_, (_, asked)| asked.elapsed() < FRESH);
        resolved.insert(image.to_owned(), (pinned.clone(), Instant::now()));
        pinned
    }
}

/// An image with its tag and a digest.
fn pinned(image: &str, digest: &str) -> String {
    let tag = if ImageReference::of(image).tag.is_none() { ":latest" } else { "" };
    format!("{image}{tag}@{digest}")
}
