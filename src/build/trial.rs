//! Runs the test of a recipe in the built image.

use bollard::Docker;
use bollard::errors::Error as EngineError;
use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{LogsOptions, RemoveContainerOptions};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::log::{Lines, Report, Tail};
use super::{Builder, Error, Request, engine};

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
        let created = self.docker.create_container(None, container(request, image)).await;
        let id = created.map_err(|error| self.engine_error("create the container of the test", error))?.id;
        Ok(Container { docker: self.docker.clone(), id, removed: false })
    }

    /// Starts a container and passes on its output; returns its exit code.
    async fn run(&self, request: &Request, id: &str, output: &mut Tail) -> Result<i64, Error> {
        self.docker.start_container(id, None).await.map_err(|error| match error {
            EngineError::DockerResponseServerError { message: reason, .. } => {
                Error::TestNotStarted { service: request.recipe.service.clone(), reason }
            }
            error => self.engine_error("start the test", error),
        })?;
        self.follow(id, output).await?;
        match self.docker.wait_container(id, None).next().await {
            Some(Ok(ended)) => Ok(ended.status_code),
            Some(Err(EngineError::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(self.engine_error("wait for the test", error)),
            None => Err(engine::away(&self.endpoint, "it does not say how the test ended".into())),
        }
    }

    /// Passes a container's output on until it ends.
    async fn follow(&self, id: &str, output: &mut Tail) -> Result<(), Error> {
        let options = LogsOptions { follow: true, stdout: true, stderr: true, ..LogsOptions::default() };
        let mut pieces = self.docker.logs(id, Some(options));
        let mut lines = Lines::default();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.engine_error("show the output of the test", error))?;
            lines.push(piece.as_ref()).iter().for_each(|line| output.line(line));
        }
        lines.rest().iter().for_each(|line| output.line(line));
        Ok(())
    }
}

fn container(request: &Request, image: &str) -> ContainerCreateBody {
    // The log is read back, so it must be in a driver that can be read, and bounded.
    let log = HostConfigLogConfig {
        typ: Some("json-file".into()),
        config: Some([("max-size".to_owned(), "4m".to_owned())].into()),
    };
    let host = HostConfig { log_config: Some(log), ..HostConfig::default() };
    ContainerCreateBody {
        image: Some(image.to_owned()),
        // One empty word clears the image's entrypoint, and none would keep it.
        entrypoint: Some(vec![String::new()]),
        cmd: Some(request.recipe.test.clone()),
        labels: Some([(LABEL.to_owned(), format!("{}_{}", request.stack, request.recipe.service))].into()),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// A container that is removed when dropped.
struct Container {
    docker: Docker,
    id: String,
    removed: bool,
}

impl Container {
    async fn remove(mut self) {
        remove(&self.docker, &self.id).await;
        self.removed = true;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (docker, id) = (self.docker.clone(), std::mem::take(&mut self.id));
            drop(runtime.spawn(async move { remove(&docker, &id).await }));
        }
    }
}

async fn remove(docker: &Docker, id: &str) {
    let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
    if let Err(error) = docker.remove_container(id, Some(options)).await {
        tracing::warn!(container = id, %error, "the container of a test could not be removed");
    }
}
