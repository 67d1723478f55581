//! Runs the test of a recipe in the built image.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::log::{Lines, Report, Tail};
use super::{Builder, Error, Request};
use crate::engine::container_output::Demultiplexer;
use crate::engine::{self, Call, Engine};

/// The longest answer about the end of a container that is read, in bytes.
const MAX_END: usize = 64 << 10;
/// The label of test containers, for finding leftovers of a killed process.
const LABEL: &str = "skep.test";

impl Builder {
    /// Runs the test of a request in an image, if it has one. The container is always removed afterwards.
    pub(super) async fn test(&self, request: &Request, image: &str, tail: &mut Tail) -> Result<(), Error> {
        let recipe = &request.recipe;
        if recipe.test.is_empty() {
            return Ok(());
        }
        tail.line(&format!("test: {}", recipe.test.join(" ")));
        let mut output = Tail::new(request.log.clone(), recipe);
        let container = self.create(request, image).await?;
        let limit = self.limits.test;
        let ended = timeout(limit, self.run(request, &container.id, &mut output)).await;
        container.remove().await;
        let service = recipe.service.clone();
        match ended {
            Err(_) => Err(Error::TooLong { service, what: "test", limit, log: output.kept() }),
            Ok(Err(error)) => Err(error),
            Ok(Ok(0)) => {
                (request.log)(Report::Tested);
                Ok(())
            }
            Ok(Ok(exit_code)) => Err(Error::TestFailed { service, exit_code, log: output.kept() }),
        }
    }

    async fn create(&self, request: &Request, image: &str) -> Result<Container, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            id: String,
        }
        let Created { id } = self.engine.json(Call::post("/containers/create", container(request, image))).await?;
        Ok(Container { engine: self.engine.clone(), id, removed: false })
    }

    /// Starts a container and passes on its output; returns its exit code.
    async fn run(&self, request: &Request, id: &str, output: &mut Tail) -> Result<i64, Error> {
        self.engine.call(Call::act(format!("/containers/{id}/start"))).await.map_err(|error| match error {
            engine::Error::Refused { message: reason, .. } => {
                Error::TestNotStarted { service: request.recipe.service.clone(), reason }
            }
            error => error.into(),
        })?;
        self.follow(id, output).await?;
        self.exit_code(id).await
    }

    /// Passes a container's output on until it ends.
    async fn follow(&self, id: &str, output: &mut Tail) -> Result<(), Error> {
        let call = Call::get(format!("/containers/{id}/logs")).with("follow", true);
        let mut pieces = self.engine.stream(call.with("stdout", true).with("stderr", true)).await?;
        let (mut streams, mut lines) = (Demultiplexer::default(), Lines::default());
        while let Some(piece) = pieces.next().await? {
            lines.push(&streams.take(&piece)).iter().for_each(|line| output.line(line));
        }
        lines.rest().iter().for_each(|line| output.line(line));
        Ok(())
    }

    /// Waits for a container's end, which may come a little after that of its output.
    async fn exit_code(&self, id: &str) -> Result<i64, Error> {
        let call = Call::act(format!("/containers/{id}/wait"));
        let strange = |reason: &str| engine::Error::Strange { call: call.to_string(), reason: reason.to_owned() };
        let end = self.engine.stream(call.clone()).await?.lines(MAX_END).next().await?;
        let end: Value = serde_json::from_slice(&end.unwrap_or_default()).unwrap_or_default();
        Ok(end["StatusCode"].as_i64().ok_or_else(|| strange("it does not say how the container ended"))?)
    }
}

fn container(request: &Request, image: &str) -> Value {
    json!({
        "Image": image,
        // One empty word clears the image's entrypoint, and none would keep it.
        "Entrypoint": [""],
        "Cmd": request.recipe.test,
        "Labels": { LABEL: format!("{}_{}", request.stack, request.recipe.service) },
        "Healthcheck": { "Test": ["NONE"] },
        // The log is read back, so it must be in a driver that can be read, and bounded.
        "HostConfig": { "LogConfig": { "Type": "json-file", "Config": { "max-size": "4m" } } },
    })
}

/// A container that is removed when dropped.
struct Container {
    engine: Engine,
    id: String,
    removed: bool,
}

impl Container {
    async fn remove(mut self) {
        remove(&self.engine, &self.id).await;
        self.removed = true;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (engine, id) = (self.engine.clone(), std::mem::take(&mut self.id));
            drop(runtime.spawn(async move { remove(&engine, &id).await }));
        }
    }
}

async fn remove(engine: &Engine, id: &str) {
    let call = Call::delete(format!("/containers/{id}")).with("force", true).with("v", true);
    if let Err(error) = engine.call(call).await {
        tracing::warn!(container = id, %error, "the container of a test could not be removed");
    }
}
