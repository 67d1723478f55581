//! Which images of an engine have to be kept, and which are no longer needed.
//!
//! `docker image prune` removes images without a tag, and images that Swarm pulls by digest have none. So skep tags the
//! images of each release that can be rolled back to, and removes the tag when no such release needs it any more. Images
//! that skep has built already have a tag, which is removed at the same time.

use std::collections::BTreeSet;

use super::{Cause, History};
use crate::name::{ImageReference, StackName};
use crate::stack::LOCAL_IMAGES;

/// An image of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredImage {
    /// Its id.
    pub id: String,
    /// Its names with a tag.
    pub tags: Vec<String>,
    /// Its names with a digest, such as `redis@sha256:…`.
    pub digests: Vec<String>,
}

/// The tags to add and remove so that the engine keeps exactly the images that a stack needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// Ids of images that get a tag, with its repository and the tag.
    pub add: Vec<(String, String, String)>,
    /// Names that are removed, and the images with their last one.
    pub remove: Vec<String>,
}

/// The images of a stack's releases.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StackImages {
    /// The images of releases that can be rolled back to.
    pub needed: BTreeSet<String>,
    /// The images of older releases only.
    pub unneeded: BTreeSet<String>,
}

/// How many digits of a digest are in a tag.
const DIGITS: usize = 40;

impl History {
    /// The images of a stack's releases. A removed stack needs none.
    pub fn stack_images(&self) -> StackImages {
        let whole = self.whole();
        let is_removed = self.last().is_some_and(|last| matches!(last.cause, Cause::Remove { .. }));
        let (mut needed, mut unneeded) = (BTreeSet::new(), BTreeSet::new());
        for release in self.releases() {
            let images = release.images.values().cloned();
            if whole.contains(&release.id) && !is_removed { needed.extend(images) } else { unneeded.extend(images) }
        }
        unneeded.retain(|image| !needed.contains(image));
        StackImages { needed, unneeded }
    }
}

impl StackImages {
    /// The tags to add and remove on an engine that has these images.
    pub fn upkeep(&self, stack: &StackName, stored: &[StoredImage]) -> Upkeep {
        let (repository, mut upkeep) = (format!("{LOCAL_IMAGES}/kept/{stack}"), Upkeep::default());
        let needed: BTreeSet<String> = self.needed.iter().filter_map(|image| by_digest(image)).collect();
        let names: BTreeSet<&str> = self.needed.iter().map(|image| without_digest(image)).collect();
        let built = self.unneeded.iter().map(|image| without_digest(image));
        let built: BTreeSet<&str> = built.filter(|name| is_built(name, stack) && !names.contains(name)).collect();
        for image in stored {
            let digest = image.digests.iter().find(|digest| needed.contains(*digest));
            if let Some((_, digits)) = digest.filter(|_| image.tags.is_empty()).and_then(|it| it.split_once("@sha256:"))
            {
                upkeep.add.push((image.id.clone(), repository.clone(), digits.chars().take(DIGITS).collect()));
            }
            let is_kept = |name: &str| name.strip_prefix(&repository).is_some_and(|rest| rest.starts_with(':'));
            let goes = |name: &&String| (digest.is_none() && is_kept(name)) || built.contains(name.as_str());
            upkeep.remove.extend(image.tags.iter().filter(goes).cloned());
        }
        upkeep
    }
}

/// `redis@sha256:…` for `redis:7@sha256:…`; `None` for an image without a digest.
fn by_digest(image: &str) -> Option<String> {
    let image = ImageReference::of(image);
    Some(format!("{}@{}", image.repository(), image.digest?))
}

fn without_digest(image: &str) -> &str {
    ImageReference::of(image).tagged()
}

/// Whether skep built an image of this name for a service of the stack: `…/<stack>/<service>:<key>`.
fn is_built(name: &str, stack: &StackName) -> bool {
    let image = ImageReference::of(name);
    let Some(key) = image.tag else { return false };
    let is_of_stack = image.repository().rsplit('/').nth(1) == Some(stack.as_str());
    is_of_stack && key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: &str, tags: &[&str], digests: &[&str]) -> StoredImage {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        StoredImage { id: id.into(), tags: words(tags), digests: words(digests) }
    }

    #[test]
    fn what_a_release_needs_is_tagged_and_what_none_needs_any_more_goes() {
        let (old, new) = ("0".repeat(32), "1".repeat(32));
        let names = |images: &[String]| images.iter().cloned().collect::<BTreeSet<_>>();
        let images = StackImages {
            needed: names(&["redis:7@sha256:aa".into(), format!("skep.local/shop/web:{new}")]),
            unneeded: names(&[
                "redis:6@sha256:bb".into(),
                format!("skep.local/shop/web:{old}"),
                "mine/shop/web:1".into(),
                format!("skep.local/blog/web:{old}"),
            ]),
        };
        let upkeep = images.upkeep(
            &"shop".parse().unwrap(),
            &[
                stored("pulled", &[], &["redis@sha256:aa"]),
                stored("tagged by a person", &["redis:7"], &["redis@sha256:aa"]),
                stored("kept for nobody", &["skep.local/kept/shop:bb"], &["redis@sha256:bb"]),
                stored("of another stack", &["skep.local/kept/shop2:bb"], &["redis@sha256:bb"]),
                stored("built before", &[&format!("skep.local/shop/web:{old}")], &[]),
                stored("built now", &[&format!("skep.local/shop/web:{new}")], &[]),
                stored("a person's", &["mine/shop/web:1"], &[]),
                stored("another stack's", &[&format!("skep.local/blog/web:{old}")], &[]),
            ],
        );
        assert_eq!(upkeep.add, [("pulled".into(), "skep.local/kept/shop".into(), "aa".into())]);
        assert_eq!(upkeep.remove, ["skep.local/kept/shop:bb".to_owned(), format!("skep.local/shop/web:{old}")]);
    }
}
