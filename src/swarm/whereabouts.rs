//! Where skep itself runs, and whether another task still does.

use serde_json::Value;

use super::listed::{ListedTask, task_state};
use super::{Error, Swarm};
use crate::engine::{self, Call};
use crate::release::{TaskLife, TaskName};

impl Swarm {
    /// The name of the node whose engine this is.
    pub async fn own_node(&self) -> Result<String, Error> {
        let info: Value = self.engine.json(Call::get("/info")).await?;
        Ok(info["Name"].as_str().unwrap_or_default().to_owned())
    }

    /// The task that a container of this engine is of; none if Swarm did not make it.
    pub async fn task_of(&self, container: &str) -> Option<TaskName> {
        let found: Value = self.engine.json(Call::get(format!("/containers/{container}/json"))).await.ok()?;
        let label = |name: &str| found["Config"]["Labels"][name].as_str().map(str::to_owned);
        let (id, name) = (label("com.docker.swarm.task.id")?, label("com.docker.swarm.task.name")?);
        let task = self.task(&id).await.ok()??;
        Some(TaskName { id, name, service: task.service_id, slot: task.slot })
    }

    /// How a task is.
    pub async fn life_of(&self, task: &str) -> Result<TaskLife, Error> {
        Ok(match self.task(task).await? {
            Some(task) => {
                TaskLife::Known { state: task_state(&task.status.state), desired: task_state(&task.desired_state) }
            }
            None => TaskLife::Unknown,
        })
    }

    async fn task(&self, id: &str) -> Result<Option<ListedTask>, Error> {
        match self.engine.json(Call::get(format!("/tasks/{id}"))).await {
            Ok(task) => Ok(Some(task)),
            Err(engine::Error::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
