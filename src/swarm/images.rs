//! The images of releases on the engine and in registries.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::Value;

use super::Swarm;
use crate::engine::{Call, Error};
use crate::health::RegistryAnswer;
use crate::lease::Lease;
use crate::name::StackName;
use crate::preflight::images::Whereabouts;
use crate::release::{StackImages, StoredImage, Upkeep};
use crate::stack::LOCAL_IMAGES;

/// The most concurrent lookups.
const AT_ONCE: usize = 8;

/// A listed image.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedImage {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
}

impl ListedImage {
    /// Whether a name is real; some engines write a placeholder.
    fn stored(self) -> StoredImage {
        let named =
            |names: Option<Vec<String>>| names.unwrap_or_default().into_iter().filter(|it| !it.starts_with("<none>"));
        StoredImage { id: self.id, tags: named(self.repo_tags).collect(), digests: named(self.repo_digests).collect() }
    }
}

impl Swarm {
    /// Tags the images on this engine that the releases of a stack need, so that `docker image prune` keeps them, and
    /// removes the names of images that none needs any more. One request, and one for each image that changes. A
    /// refusal of the engine, such as for an image in use, is retried the next time.
    pub async fn tend_images(&self, _: &Lease, stack: &StackName, images: &StackImages) {
        let listed: Vec<ListedImage> = match self.engine.json(Call::get("/images/json")).await {
            Ok(listed) => listed,
            Err(error) => return tracing::debug!(%stack, %error, "images are not tended"),
        };
        let stored: Vec<_> = listed.into_iter().map(ListedImage::stored).collect();
        let Upkeep { add, remove } = images.upkeep(stack, &stored);
        let tag = |(id, repository, tag): (String, String, String)| {
            Call::post(format!("/images/{id}/tag"), Value::Null).with("repo", repository).with("tag", tag)
        };
        let calls = add.into_iter().map(tag).chain(remove.iter().map(|name| Call::delete(format!("/images/{name}"))));
        for call in calls {
            let shown = call.to_string();
            if let Err(error) = self.engine.call(call).await {
                tracing::debug!(%stack, call = shown, %error, "an image stays as it is");
            }
        }
    }

    /// Looks up images on the engine, and then in their registries: one request for each on the engine, two for the
    /// others.
    pub async fn find_images(&self, images: BTreeSet<&str>, has_other_nodes: bool) -> BTreeMap<String, Whereabouts> {
        let find = |image: String| async move {
            let found = self.find_image(&image, has_other_nodes).await;
            (image, found)
        };
        let each: Vec<_> = images.into_iter().map(|image| find(image.to_owned())).collect();
        stream::iter(each).buffer_unordered(AT_ONCE).collect().await
    }

    async fn find_image(&self, image: &str, has_other_nodes: bool) -> Whereabouts {
        match self.engine.json::<Value>(Call::get(format!("/images/{image}/json"))).await {
            Ok(_) => Whereabouts::There,
            Err(Error::Refused { status: 404, .. }) if image.starts_with(LOCAL_IMAGES) && has_other_nodes => {
                Whereabouts::Unknown { reason: "it is not on the node of this engine, and was never pushed".into() }
            }
            Err(Error::Refused { status: 404, .. }) if image.starts_with(LOCAL_IMAGES) => {
                Whereabouts::Gone { answer: None }
            }
            Err(Error::Refused { status: 404, .. }) => self.find_in_registry(image).await,
            Err(error) => Whereabouts::Unknown { reason: error.to_string() },
        }
    }

    async fn find_in_registry(&self, image: &str) -> Whereabouts {
        let mut call = Call::get(format!("/distribution/{image}/json"));
        call.registry_auth = self.logins.header_to_ask(image);
        match self.engine.json::<Value>(call).await {
            Ok(_) => Whereabouts::There,
            Err(Error::Refused { status, message, .. }) => match RegistryAnswer::of(status, &message) {
                Some(answer) if answer.is_away() => Whereabouts::Unknown { reason: message },
                _ => Whereabouts::Gone { answer: Some(message) },
            },
            Err(error) => Whereabouts::Unknown { reason: error.to_string() },
        }
    }
}
