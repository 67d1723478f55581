//! Third-party images: resolves names to digests.

use std::time::Duration;

use bollard::auth::DockerCredentials;
use bollard::errors::Error as EngineError;
use tokio::time::{Instant, timeout};

use super::{Builder, Error, engine};
use crate::health::RegistryAnswer;
use crate::name::ImageReference;
use crate::registry::{self, PATIENCE};

/// How long a resolved digest is cached.
const FRESH: Duration = Duration::from_mins(5);

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
            Err(error) => self.local(image, error).await,
        }
    }

    /// What the engine has of an image that no registry gave a digest of.
    async fn local(&self, image: &str, error: Error) -> Result<Option<String>, Error> {
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
        let answer = timeout(PATIENCE, self.docker.inspect_registry_image(image, self.credentials_for(image))).await;
        match answer.map_err(|_| unresolved("its registry does not answer in time".into(), true))? {
            Ok(found) => found.descriptor.digest.ok_or_else(|| unresolved("its registry has no digest".into(), false)),
            Err(EngineError::DockerResponseServerError { status_code, message }) => {
                let away = RegistryAnswer::of(status_code, &message).is_some_and(|answer| answer.is_away());
                Err(unresolved(message, away))
            }
            Err(error) => Err(self.engine_error("ask a registry", error)),
        }
    }

    fn credentials_for(&self, image: &str) -> Option<DockerCredentials> {
        self.logins.of_image(image).map(engine::credentials)
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
