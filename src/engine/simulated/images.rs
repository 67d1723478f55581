//! Images: those that were built here, and all others as if each had been pulled already.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::requests::{Answer, Outcome, Refusal, Request};
use super::{Behaviour, State};
use crate::stack::LOCAL_IMAGES;

/// An image that was built here.
#[derive(Debug)]
pub(super) struct Image {
    /// `name:tag`, each.
    names: BTreeSet<String>,
    /// The names under which a registry has it.
    pushed: BTreeSet<String>,
}

impl State {
    pub(super) fn images_request(&mut self, request: &Request, rest: &[&str]) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET", ["json"]) => Ok(self.list_images()),
            ("GET", [name @ .., "json"]) => self.inspect_image(&name.join("/")),
            ("POST", [name @ .., "tag"]) => self.tag_image(&name.join("/"), request),
            ("DELETE", name) => self.remove_image(&name.join("/")),
            _ => request.not_allowed(),
        }
    }

    /// Adds what was built, without a name.
    pub(super) fn add_image(&mut self, id: &str) {
        let new = || Image { names: BTreeSet::new(), pushed: BTreeSet::new() };
        self.images.entry(id.to_owned()).or_insert_with(new);
    }

    /// Whether there is an image of this name or id: one that was built, or that can be had elsewhere.
    pub(super) fn has_image(&self, name: &str) -> bool {
        let scripted = self.scripts.get(name);
        let elsewhere = if is_local(name) { scripted.is_some() } else { scripted != Some(&Behaviour::NoSuchImage) };
        self.image_id(name).is_some() || elsewhere
    }

    /// The id of an image that was built here.
    fn image_id(&self, name: &str) -> Option<String> {
        let named =
            |(id, image): (&String, &Image)| (*id == name || image.names.contains(&tagged(name))).then(|| id.clone());
        self.images.iter().find_map(named)
    }

    fn list_images(&self) -> Value {
        let image = |(id, image): (&String, &Image)| json!({ "Id": id, "RepoTags": image.names, "RepoDigests": digests(id, image) });
        self.images.iter().map(image).collect()
    }

    /// Every image is on the nodes, but for those that cannot be pulled and those that were not built.
    fn inspect_image(&self, name: &str) -> Outcome {
        if let Some(id) = self.image_id(name) {
            let image = &self.images[&id];
            return Ok(json!({ "Id": id, "RepoTags": image.names, "RepoDigests": digests(&id, image) }));
        }
        if !self.has_image(name) {
            return Err(no_such_image(name));
        }
        Ok(json!({ "Id": format!("sha256:{:064}", 0), "RepoTags": [name] }))
    }

    fn tag_image(&mut self, image: &str, request: &Request) -> Outcome {
        let name = format!("{}:{}", said(request, "repo"), said(request, "tag"));
        let id = self.image_id(image).ok_or_else(|| no_such_image(image))?;
        for (other, image) in &mut self.images {
            if *other == id {
                image.names.insert(name.clone())
            } else {
                image.names.remove(&name)
            };
        }
        Ok(Value::Null)
    }

    /// Takes a name away, and the image with its last one.
    fn remove_image(&mut self, name: &str) -> Outcome {
        let id = self.image_id(name).ok_or_else(|| no_such_image(name))?;
        let Some(image) = self.images.get_mut(&id) else { return Err(no_such_image(name)) };
        image.names.remove(&tagged(name));
        let mut removed = vec![json!({ "Untagged": name })];
        if image.names.is_empty() {
            self.images.remove(&id);
            removed.push(json!({ "Deleted": id }));
        }
        Ok(removed.into())
    }

    /// The reports of an upload, a line each.
    pub(super) fn push_image(&mut self, repository: &str, request: &Request) -> Answer {
        if request.registry_auth.is_none() {
            return Answer::of(Err(Refusal(400, "Bad parameters and missing X-Registry-Auth: EOF".into())));
        }
        let name = format!("{repository}:{}", said(request, "tag"));
        let mut reports = vec![json!({ "status": format!("The push refers to repository [{repository}]") })];
        let id = self.image_id(&name);
        match id.as_ref().and_then(|id| self.images.get_mut(id)) {
            _ if self.scripts.get(&name) == Some(&Behaviour::RegistryAway) => {
                reports.push(failure("dial tcp 10.0.0.9:5000: connect: connection refused"));
            }
            None => reports.push(failure(&format!("An image does not exist locally with the tag: {repository}"))),
            Some(image) => {
                let is_new = image.pushed.insert(name);
                let status = if is_new { "Pushed" } else { "Layer already exists" };
                reports.push(json!({ "status": status, "progressDetail": {}, "id": "simulated" }));
            }
        }
        Answer::lines(&reports)
    }

    /// Nothing outside of a simulated swarm is ever asked: a registry has what was pushed, or does not answer.
    pub(super) fn ask_registry(&self, image: &str) -> Outcome {
        if self.scripts.get(image) == Some(&Behaviour::RegistryAway) {
            return Err(Refusal(500, "dial tcp 10.0.0.9:5000: connect: connection refused".into()));
        }
        let pushed = self.images.iter().find(|(_, known)| known.pushed.contains(&tagged(image)));
        let (id, _) = pushed.ok_or_else(|| Refusal(404, format!("no registry has {image}")))?;
        Ok(json!({ "Descriptor": { "digest": digest(id) } }))
    }
}

/// A report that the work has failed.
pub(super) fn failure(message: &str) -> Value {
    json!({ "errorDetail": { "message": message }, "error": message })
}

/// No registry can have an image of this name: it is there if it was built, or if a test says what becomes of it.
fn is_local(name: &str) -> bool {
    name.strip_prefix(LOCAL_IMAGES).is_some_and(|rest| rest.starts_with('/')) || name.starts_with("sha256:")
}

fn no_such_image(name: &str) -> Refusal {
    Refusal(404, format!("No such image: {name}"))
}

fn said<'a>(request: &'a Request, key: &str) -> &'a str {
    request.query.get(key).map_or("", String::as_str)
}

/// The name with its tag.
fn tagged(name: &str) -> String {
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

/// What a registry calls an image: another digest than its id, which is that of its settings.
fn digest(id: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(id)))
}

fn digests(id: &str, image: &Image) -> Vec<String> {
    let repository =
        |name: &String| name.rsplit_once(':').map_or_else(|| name.clone(), |(repository, _)| repository.to_owned());
    image.pushed.iter().map(|name| format!("{}@{}", repository(name), digest(id))).collect()
}
