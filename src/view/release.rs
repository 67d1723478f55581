//! A release in a history.

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
    /// How far it has got.
    pub phase: &'a Phase,
    /// Why it was made.
    pub cause: &'a Cause,
    /// Where it came from.
    pub origin: OriginView<'a>,
    /// To whom the stack belongs with it, as a person reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What runs, by service.
    pub images: &'a BTreeMap<ServiceName, String>,
    /// Whether it can be gone back to.
    pub rollback: bool,
}

/// Where a release came from.
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
