//! The real binary, a real engine, real Git, a real registry: what a person who pushes gets to see, and what runs then.
//!
//! One controller serves the tests that run in parallel; a test that kills it, or wants other settings, runs alone with
//! one of its own. Only GitLab is an imitation, of its commit statuses, because a GitLab cannot be had here.
//!
//! Without an engine, and outside of CI, the tests are skipped, and say so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deploying;
mod drifting;
mod elsewhere;
mod examples;
mod failing;
mod harness;
mod input;
mod lost;
mod refused;
mod registry;
mod removing;
mod secrets;
mod surviving;
mod symptoms;
mod webhooks;
