//! Containers that somebody makes beside the swarm's: they run a command to its end as soon as they are started.

use serde_json::{Value, json};

use super::requests::{Answer, Filters, Outcome, Refusal, Request};
use super::tasks::frame;
use super::{State, shell};

/// Such a container.
#[derive(Debug)]
pub(super) struct Trial {
    id: String,
    command: Vec<String>,
    labels: Value,
    /// The exit code and the output, after it was started.
    ended: Option<(i64, String)>,
}

impl State {
    /// The answer to a request about such a container; none if it is about another one.
    pub(super) fn trials_request(&mut self, request: &Request, rest: &[&str]) -> Option<Answer> {
        if let ("POST", ["create"]) = (request.method.as_str(), rest) {
            return Some(Answer::of(self.create_trial(request)));
        }
        let (id, rest) = rest.split_first()?;
        let place = self.trials.iter().position(|trial| trial.id == *id)?;
        let trial = &mut self.trials[place];
        Some(match (request.method.as_str(), rest) {
            ("POST", ["start"]) => Answer::of(trial.start()),
            ("POST", ["wait"]) => Answer::of(Ok(json!({ "Error": null, "StatusCode": trial.code() }))),
            ("GET", ["logs"]) => Answer { status: 200, body: trial.log().into() },
            ("DELETE", []) => {
                self.trials.remove(place);
                Answer::of(Ok(Value::Null))
            }
            _ => Answer::of(request.not_allowed()),
        })
    }

    fn create_trial(&mut self, request: &Request) -> Outcome {
        let body = request.body()?;
        let image = body["Image"].as_str().unwrap_or_default();
        if !self.has_image(image) {
            return Err(Refusal(404, format!("No such image: {image}")));
        }
        let words = body["Cmd"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let command = words.map(str::to_owned).collect();
        let (id, labels) = (self.new_id("trial"), body["Labels"].clone());
        self.trials.push(Trial { id: id.clone(), command, labels, ended: None });
        Ok(json!({ "Id": id, "Warnings": [] }))
    }

    pub(super) fn list_trials(&self, filters: &Filters) -> Vec<Value> {
        let listed = self.trials.iter().filter(|trial| filters.labels(&trial.labels));
        listed.map(|trial| json!({ "Id": trial.id, "Labels": trial.labels, "State": "exited" })).collect()
    }
}

impl Trial {
    fn start(&mut self) -> Outcome {
        if !shell::knows(&self.command) {
            let word = self.command.first().map_or("", String::as_str);
            let why = format!("exec: {word:?}: stat {word}: no such file or directory: unknown");
            return Err(Refusal(
                400,
                format!(
                    "failed to create shim: OCI runtime create failed: container_linux.go:367: starting container process \
                     caused: {why}"
                ),
            ));
        }
        self.ended = Some(shell::run(&self.command));
        Ok(Value::Null)
    }

    fn code(&self) -> i64 {
        self.ended.as_ref().map_or(0, |(code, _)| *code)
    }

    fn log(&self) -> Vec<u8> {
        match &self.ended {
            Some((_, output)) if !output.is_empty() => frame(output),
            _ => Vec::new(),
        }
    }
}
