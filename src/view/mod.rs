//! What people see: values made of records and observation, which the command line renders, as every other surface will.
//!
//! Each is made once, here, and says no more than what is so; colours, tables and sentences around it belong to the
//! surface. Fields are added in later versions, none changes its meaning.

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

/// A repository as a person reads it.
fn as_shown<S: Serializer>(repository: &Repository, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(repository)
}
