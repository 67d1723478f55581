//! Makes a missing image: builds, tests, names and pushes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::buildkit::StatusResponse;
use super::log::{Lines, Report, Tail};
use super::progress::Progress;
use super::session::Session;
use super::{Builder, Error, Request, tarball};
use crate::engine::{self, Call, Pieces};
use crate::name::ImageReference;
use crate::registry::{Login, Registry};

/// The longest report of a build or an upload that is read, in bytes: a report has what steps have written since the last.
const MAX_REPORT: usize = 16 << 20;

/// Which of the engine's builders builds, as the API numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BuilderVersion {
    Classic = 1,
    BuildKit = 2,
}

/// A report of a build or an upload (moby `pkg/jsonmessage`).
#[derive(Debug, Default, Deserialize)]
struct Message {
    status: Option<String>,
    stream: Option<String>,
    #[serde(rename = "errorDetail")]
    error: Option<Detail>,
    aux: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(default)]
    message: String,
}

/// Why a stream of reports did not lead to what it was for.
#[derive(Debug)]
enum Broken {
    /// The work failed, says the engine.
    Failed(String),
    Engine(engine::Error),
}

impl From<engine::Error> for Broken {
    fn from(error: engine::Error) -> Self {
        Self::Engine(error)
    }
}

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
            match self.build_with(BuilderVersion::BuildKit, request, tail).await? {
                Ok(id) => Ok(id),
                Err(reason) if reason.to_lowercase().contains("buildkit") => {
                    tail.line("this engine has no BuildKit: its classic builder is used");
                    let built = self.build_with(BuilderVersion::Classic, request, tail).await?;
                    built.map_err(|reason| failed(request, &reason, tail))
                }
                Err(reason) => Err(failed(request, &reason, tail)),
            }
        };
        let result = timeout(limit, build).await;
        let service = request.recipe.service.clone();
        result.unwrap_or_else(|_| Err(Error::TooLong { service, what: "build", limit, log: tail.kept() }))
    }

    /// Builds with one of the engine's builders: the image's id, or why the builder made none.
    async fn build_with(
        &self,
        version: BuilderVersion,
        request: &Arc<Request>,
        tail: &mut Tail,
    ) -> Result<Result<String, String>, Error> {
        let mut call = call(request, version);
        let mut session = None;
        match version {
            BuilderVersion::BuildKit => {
                let id = new_session(&request.key);
                session = Session::open(&self.engine, &id, self.logins.clone()).await?;
                call = call.with("session", id);
            }
            BuilderVersion::Classic => {
                if let Some(logins) = self.logins.header_to_build() {
                    call = call.with_header("X-Registry-Config", logins);
                }
            }
        }
        let (stream, written) = tarball::stream(request.clone(), self.limits.clone());
        let result = async { read_build(self.engine.upload(call, stream).await?, tail).await }.await;
        drop(session);
        // A file that could not be sent is why the engine complains, so it is told first.
        written.await.expect("writing a tarball does not panic")?;
        match result {
            Ok(Some(id)) => Ok(Ok(id)),
            Ok(None) => Ok(Err("the builder does not say which image it made".into())),
            Err(Broken::Failed(reason)) => Ok(Err(reason)),
            // What the engine refuses to begin is about the recipe, unless it is in trouble itself.
            Err(Broken::Engine(engine::Error::Refused { status: ..=500, message, .. })) => Ok(Err(message)),
            Err(Broken::Engine(error)) => Err(error.into()),
        }
    }

    async fn tag(&self, id: &str, name: &str) -> Result<(), Error> {
        let name = ImageReference::of(name);
        let call = Call::act(format!("/images/{id}/tag")).with("repo", name.repository());
        self.engine.call(call.with("tag", name.tag.unwrap_or_default())).await?;
        Ok(())
    }

    async fn push(&self, request: &Request, registry: &Registry, name: &str, tail: &mut Tail) -> Result<(), Error> {
        let reference = ImageReference::of(name);
        let mut call = Call::act(format!("/images/{}/push", reference.repository()));
        call = call.with("tag", reference.tag.unwrap_or_default());
        call.registry_auth = Some(registry.login.as_ref().map_or_else(|| Login::anonymous().header(), Login::header));
        let limit = self.limits.upload;
        let service = request.recipe.service.clone();
        let upload = async { read_push(self.engine.stream(call).await?).await };
        match timeout(limit, upload).await {
            Err(_) => Err(Error::TooLong { service, what: "upload", limit, log: tail.kept() }),
            Ok(Err(Broken::Failed(reason))) => Err(registry.upload_refused(name, reason).into()),
            Ok(Err(Broken::Engine(error))) => Err(error.into()),
            Ok(Ok((new, known))) => {
                (request.log)(Report::Pushed { image: name, new_layers: new, known_layers: known });
                Ok(())
            }
        }
    }

    pub(super) async fn is_local(&self, name: &str) -> Result<bool, Error> {
        Ok(self.local(name).await?.is_some())
    }

    /// The id of an image; `None` if the engine does not have it.
    pub(super) async fn local_id(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.local(name).await?.map(|image| image.id))
    }

    /// The digests under which registries have an image, as far as the engine knows; none if it has no such image.
    pub(super) async fn local_digests(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        Ok(self.local(name).await?.map(|image| image.repo_digests))
    }

    async fn local(&self, name: &str) -> Result<Option<Local>, Error> {
        match self.engine.json(Call::get(format!("/images/{name}/json"))).await {
            Ok(found) => Ok(Some(found)),
            Err(engine::Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an image's name, and the image with its last one. Whether it did: not when it is in use or gone.
    pub(super) async fn remove(&self, image: &str) -> Result<bool, Error> {
        match self.engine.call(Call::delete(format!("/images/{image}"))).await {
            Ok(_) => Ok(true),
            Err(engine::Error::Refused { status: 404 | 409, .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// An image on the engine.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Local {
    id: String,
    #[serde(default)]
    repo_digests: Vec<String>,
}

fn failed(request: &Request, reason: &str, tail: &Tail) -> Error {
    Error::Failed { service: request.recipe.service.clone(), reason: tail.masked(reason), log: tail.kept() }
}

/// An id that no other session has.
fn new_session(key: &str) -> String {
    static SESSIONS: AtomicU64 = AtomicU64::new(0);
    format!("skep-{}-{}-{key}", std::process::id(), SESSIONS.fetch_add(1, Ordering::Relaxed))
}

fn call(request: &Request, version: BuilderVersion) -> Call {
    let arguments: Value = request.recipe.args.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut call = Call::act("/build").with("dockerfile", &request.context.dockerfile).with("buildargs", arguments);
    call = call.with("forcerm", true).with("version", version as u8);
    if let Some(target) = &request.recipe.target {
        call = call.with("target", target);
    }
    if request.pull { call.with("pull", true) } else { call }
}

/// Reads the engine's reports to their end; the id of the image.
async fn read_build(answer: Pieces, tail: &mut Tail) -> Result<Option<String>, Broken> {
    let mut reports = answer.lines(MAX_REPORT);
    let (mut progress, mut output, mut id) = (Progress::default(), Lines::default(), None);
    while let Some(report) = reports.next().await? {
        let report = read(&report)?;
        match report.aux {
            Some(Value::String(steps)) => {
                let steps = STANDARD.decode(steps).ok().and_then(|bytes| StatusResponse::decode(bytes.as_slice()).ok());
                for line in steps.iter().flat_map(|steps| progress.read(steps)) {
                    tail.line(&line);
                }
            }
            Some(aux) => id = aux["ID"].as_str().map(str::to_owned).or(id),
            None => {}
        }
        let text = report.stream.unwrap_or_default();
        output.push(text.as_bytes()).iter().for_each(|line| tail.line(line));
    }
    Ok(id)
}

/// Reads the engine's reports to their end; how many layers were sent, and how many were there.
async fn read_push(answer: Pieces) -> Result<(usize, usize), Broken> {
    let mut reports = answer.lines(MAX_REPORT);
    let (mut new, mut known) = (0, 0);
    while let Some(report) = reports.next().await? {
        match read(&report)?.status.as_deref() {
            Some("Pushed") => new += 1,
            Some(status) if status == "Layer already exists" || status.starts_with("Mounted from") => known += 1,
            _ => {}
        }
    }
    Ok((new, known))
}

/// A report, unless it says that the work has failed. What is none is passed over.
fn read(line: &[u8]) -> Result<Message, Broken> {
    let report: Message = serde_json::from_slice(line).unwrap_or_default();
    match report.error {
        Some(Detail { message }) => Err(Broken::Failed(message)),
        None => Ok(report),
    }
}
