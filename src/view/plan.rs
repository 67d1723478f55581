//! The view of a plan.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, KeyPath};
use crate::name::StackName;
use crate::plan::{Fingerprint, Plan};

/// The changes of a deploy, and its obstacles.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    /// The stack.
    pub stack: StackName,
    /// The fingerprint of the plan.
    pub fingerprint: Fingerprint,
    /// The changes.
    pub plan: Plan,
    /// The obstacles for which a deploy would be refused.
    pub obstacles: Vec<Diagnostic<KeyPath>>,
    /// The notes of a deploy.
    pub notes: Vec<String>,
}
