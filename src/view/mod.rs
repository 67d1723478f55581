//! Views: values made from records and observations, which the command line and all other surfaces render.
//!
//! Each view is made only here, and contains facts; colours, tables and surrounding sentences belong to the
//! surface. Later versions may add fields, but do not change the meaning of existing ones.

mod commit;
mod overview;
mod plan;
mod release;
mod stack;
mod task;

pub use commit::CommitView;
pub use overview::Overview;
pub use plan::PlanView;
pub use release::ReleaseView;
pub use stack::{ServiceView, StackState, StackView};
pub use task::TaskView;

use serde::Serializer;

use crate::name::Repository;

/// A repository for users.
fn as_shown<S: Serializer>(repository: &Repository, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(repository)
}
