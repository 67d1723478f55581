//! Makes a missing image: builds, tests, names and pushes it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bollard::auth::DockerCredentials;
use bollard::errors::Error as EngineError;
use bollard::models::{BuildInfo, BuildInfoAux, PushImageInfo};
use bollard::query_parameters::{
    BuildImageOptions, BuilderVersion, PushImageOptions, RemoveImageOptions, TagImageOptions,
};
use futures_util::{Stream, StreamExt as _};
use tokio::time::timeout;

use super::log::{Lines, Report, Tail};
use super::progress::Progress;
use super::{Builder, Error, Request, engine, tarball};
use crate::name::ImageReference;
use crate::registry::{Login, Logins, Registry};

impl Builder {
    /// Makes the image with this name and tag; returns the reference to deploy. The image gets its name only after the
    /// test.
    pub(super) async fn make(&self, request: Arc<Request>, name: &str) -> Result<String, Error> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        let mut tail = Tail::new(request.log.clone(), &request.recipe);
        (request.log)(Report::Begun);
        let id = self.build(&request, &mut tail).await?;
        if let Err(error) = self.test(&request, &id, &mut tail).await {
            // It is removed unless another image has the same contents; then the engine refuses.
            drop(self.remove(&id).await);
            return Err(error);
        }
        self.tag(&id, name).await?;
        let Some((registry, _)) = &self.registry else { return Ok(name.to_owned()) };
        self.push(&request, registry, name, &mut tail).await?;
        let missing =
            || Error::from(registry.upload_refused(name, "it was pushed, but the registry does not have it".into()));
        self.known(name).await?.ok_or_else(missing)
    }

    /// Builds within the deadline; returns the image's id.
    async fn build(&self, request: &Arc<Request>, tail: &mut Tail) -> Result<String, Error> {
        let limit = self.limits.build;
        let build = async {
            match self.build_with(BuilderVersion::BuilderBuildKit, request, tail).await {
                Err(Error::Refused { reason, .. }) if reason.to_lowercase().contains("buildkit") => {
                    tail.line("this engine has no BuildKit: its classic builder is used");
                    self.build_with(BuilderVersion::BuilderV1, request, tail).await
                }
                result => result,
            }
        };
        let result = timeout(limit, build).await;
        let service = request.recipe.service.clone();
        result.unwrap_or_else(|_| Err(Error::TooLong { service, what: "build", limit, log: tail.kept() }))
    }

    async fn build_with(
        &self,
        version: BuilderVersion,
        request: &Arc<Request>,
        tail: &mut Tail,
    ) -> Result<String, Error> {
        let (stream, written) = tarball::stream(request.clone(), self.limits.clone());
        let credentials = credentials_by_server(&self.logins);
        let options = options(request, version);
        // The engine answers only when it has read the context.
        let docker = self.docker.clone().with_timeout(self.limits.build);
        let answers = docker.build_image(options, credentials, Some(bollard::body_try_stream(stream)));
        let result = read_build(answers, tail).await;
        // A file that could not be sent is why the engine complains, so it is told first.
        written.await.expect("writing a tarball does not panic")?;
        match result {
            Ok(Some(id)) => Ok(id),
            Ok(None) => Err(failed(request, "the builder does not say which image it made", tail)),
            Err(EngineError::DockerStreamError { error }) => Err(failed(request, &error, tail)),
            Err(error) => Err(self.engine_error("build the image", error)),
        }
    }

    async fn tag(&self, id: &str, name: &str) -> Result<(), Error> {
        let name = ImageReference::of(name);
        let options = TagImageOptions { repo: Some(name.repository().to_owned()), tag: name.tag.map(str::to_owned) };
        let tagged = self.docker.tag_image(id, Some(options)).await;
        tagged.map_err(|error| self.engine_error("name the image", error))
    }

    async fn push(&self, request: &Request, registry: &Registry, name: &str, tail: &mut Tail) -> Result<(), Error> {
        let ImageReference { tag, .. } = ImageReference::of(name);
        let options = PushImageOptions { tag: tag.map(str::to_owned), ..PushImageOptions::default() };
        let repository = ImageReference::of(name).repository();
        let answers =
            self.docker.push_image(repository, Some(options), registry.login.as_ref().map(engine::credentials));
        let limit = self.limits.upload;
        let service = request.recipe.service.clone();
        match timeout(limit, read_push(answers)).await {
            Err(_) => Err(Error::TooLong { service, what: "upload", limit, log: tail.kept() }),
            Ok(Err(EngineError::DockerStreamError { error })) => Err(registry.upload_refused(name, error).into()),
            Ok(Err(error)) => Err(self.engine_error("push the image", error)),
            Ok(Ok((new, known))) => {
                (request.log)(Report::Pushed { image: name, new_layers: new, known_layers: known });
                Ok(())
            }
        }
    }

    pub(super) async fn is_local(&self, name: &str) -> Result<bool, Error> {
        Ok(self.local_digests(name).await?.is_some())
    }

    /// The id of an image; `None` if the engine does not have it.
    pub(super) async fn local_id(&self, name: &str) -> Result<Option<String>, Error> {
        match self.docker.inspect_image(name).await {
            Ok(found) => Ok(found.id),
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.engine_error("look for an image", error)),
        }
    }

    /// The digests under which registries have an image, as far as the engine knows; none if it has no such image.
    pub(super) async fn local_digests(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        match self.docker.inspect_image(name).await {
            Ok(found) => Ok(Some(found.repo_digests.unwrap_or_default())),
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.engine_error("look for an image", error)),
        }
    }

    /// Removes an image's name, and the image with its last one. Whether it did: not when it is in use or gone.
    pub(super) async fn remove(&self, image: &str) -> Result<bool, Error> {
        match self.docker.remove_image(image, None::<RemoveImageOptions>, None).await {
            Ok(_) => Ok(true),
            Err(EngineError::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(false),
            Err(error) => Err(self.engine_error("remove an image", error)),
        }
    }
}

fn failed(request: &Request, reason: &str, tail: &Tail) -> Error {
    Error::Failed { service: request.recipe.service.clone(), reason: tail.masked(reason), log: tail.kept() }
}

/// The logins for base images. The builder picks one by what Docker calls the registry, which for Docker Hub is no host.
fn credentials_by_server(logins: &Logins) -> Option<HashMap<String, DockerCredentials>> {
    let by_server = |login: &Login| (login.server.clone(), engine::credentials(login));
    let credentials: HashMap<_, _> = logins.all().map(by_server).collect();
    (!credentials.is_empty()).then_some(credentials)
}

fn options(request: &Request, version: BuilderVersion) -> BuildImageOptions {
    static SESSIONS: AtomicU64 = AtomicU64::new(0);
    let session = SESSIONS.fetch_add(1, Ordering::Relaxed);
    let args = &request.recipe.args;
    BuildImageOptions {
        dockerfile: request.context.dockerfile.clone(),
        buildargs: Some(args.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
        target: request.recipe.target.clone().unwrap_or_default(),
        pull: request.pull.then(|| "true".to_owned()),
        forcerm: true,
        version,
        session: Some(format!("skep-{}-{session}-{}", std::process::id(), request.key)),
        ..BuildImageOptions::default()
    }
}

/// Reads the engine's reports to their end; the id of the image.
async fn read_build(
    answers: impl Stream<Item = Result<BuildInfo, EngineError>>,
    tail: &mut Tail,
) -> Result<Option<String>, EngineError> {
    let mut answers = std::pin::pin!(answers);
    let (mut progress, mut output, mut id) = (Progress::default(), Lines::default(), None);
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        match answer.aux {
            Some(BuildInfoAux::BuildKit(report)) => progress.read(&report).iter().for_each(|line| tail.line(line)),
            Some(BuildInfoAux::Default(image)) => id = image.id.or(id),
            None => {}
        }
        let text = answer.stream.unwrap_or_default();
        output.push(text.as_bytes()).iter().for_each(|line| tail.line(line));
    }
    Ok(id)
}

/// Reads the engine's reports to their end; how many layers were sent, and how many were there.
async fn read_push(
    answers: impl Stream<Item = Result<PushImageInfo, EngineError>>,
) -> Result<(usize, usize), EngineError> {
    let mut answers = std::pin::pin!(answers);
    let (mut new, mut known) = (0, 0);
    while let Some(answer) = answers.next().await {
        match answer?.status.as_deref() {
            Some("Pushed") => new += 1,
            Some(status) if status == "Layer already exists" || status.starts_with("Mounted from") => known += 1,
            _ => {}
        }
    }
    Ok((new, known))
}
