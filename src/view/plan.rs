//! What a deploy would change.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::StackName;
use crate::plan::{Fingerprint, Plan};

/// What a deploy of a stack would change, and what stands in its way.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    /// The stack.
    pub stack: StackName,
    /// Binds a deploy to just this plan.
    pub fingerprint: Fingerprint,
    /// The changes.
    pub plan: Plan,
    /// What a deploy would be refused for.
    pub obstacles: Vec<Diagnostic<KeyPath>>,
    /// What a deploy would note.
    pub notes: Vec<String>,
}
