//! The last lines of a task's log, made safe to show.

use super::{Error, Swarm};
use crate::engine::{Call, container_output};

impl Swarm {
    /// The last lines of a task's output, standard output and error in the order in which they were written.
    pub async fn logs(&self, task_id: &str, lines: usize) -> Result<Vec<String>, Error> {
        let call = Call::get(format!("/tasks/{task_id}/logs")).with("stdout", 1).with("stderr", 1).with("tail", lines);
        let text = self.engine.call(call).await?;
        let mut cleaned = container_output::lines(&container_output::demultiplexed(&text));
        Ok(cleaned.split_off(cleaned.len().saturating_sub(lines)))
    }
}
