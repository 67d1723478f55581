//! The view of a release.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::name::{CommitId, Repository, ServiceName, TreeId};
use crate::release::{Cause, Phase, Release, ReleaseId};

/// A release of a stack.
#[derive(Debug, Serialize)]
pub struct ReleaseView<'a> {
    /// Its number.
    pub release: ReleaseId,
    /// When it was made, by the controller's clock.
    pub created: Timestamp,
    /// Its phase.
    pub phase: &'a Phase,
    /// Its cause.
    pub cause: &'a Cause,
    /// Its origin.
    pub origin: OriginView<'a>,
    /// The owner of the stack with it, for users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The images, by service.
    pub images: &'a BTreeMap<ServiceName, String>,
    /// Whether a rollback to it is possible.
    pub rollback: bool,
}

/// The origin of a release.
#[derive(Debug, Serialize)]
pub struct OriginView<'a> {
    #[serde(serialize_with = "super::as_shown")]
    repository: &'a Repository,
    branch: &'a Option<String>,
    commit: &'a CommitId,
    tree: &'a TreeId,
    author: &'a str,
    subject: &'a str,
}

impl<'a> From<&'a Release> for ReleaseView<'a> {
    fn from(release: &'a Release) -> Self {
        let origin = &release.origin;
        Self {
            release: release.id,
            created: release.created,
            phase: &release.phase,
            cause: &release.cause,
            origin: OriginView {
                repository: &origin.repository,
                branch: &origin.branch,
                commit: &origin.commit,
                tree: &origin.tree,
                author: &origin.author,
                subject: &origin.subject,
            },
            owner: release.owner.as_ref().map(Repository::to_string),
            images: &release.images,
            rollback: release.desired.is_some(),
        }
    }
}
