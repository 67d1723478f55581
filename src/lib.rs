//! GitOps for Docker Swarm: `git push`, and the swarm follows, or goes back to where it was healthy.
//!
//! This list is the map of the crate and its layering: a module uses only modules listed above it
//! (`tests/architecture.rs` reads the list). The first half is pure: values in, values out, without
//! clock, file, network, process or `async`. The edges each talk to one thing outside, decide nothing,
//! and use none of each other but `engine` and `registry`. The assembly puts them together.
//!
//! Pure:
//! - [`mod@time`]: arithmetic on time that cannot overflow
//! - [`mod@name`]: names that were checked once and are then trusted
//! - [`mod@text`]: text that somebody else wrote, fit to be shown
//! - [`mod@lease`]: the right to change the swarm, which every write takes
//! - [`mod@mask`]: passwords and keys in what is shown
//! - [`mod@diagnostic`]: what is wrong, where, and what to do about it
//! - [`mod@stack`]: what a stack should be, with nothing left to decide; the Compose file as written
//! - [`mod@sops`]: files that were encrypted with SOPS for age keys, decrypted in memory
//! - [`mod@revision`]: a commit and the files we read of it; what is a stack, what is a context
//! - [`mod@render`]: interpolation, Traefik labels, volumes, digests: from the file to the stack
//! - [`mod@lint`]: every rule over every file; the only maker of a [`lint::Checked`] revision
//! - [`mod@policy`]: may a repository deploy a stack: what it would take from others
//! - [`mod@plan`]: the changes between what should be and what is, in order, with reasons
//! - [`mod@preflight`]: what stands in the way of a stack, before the first write
//! - [`mod@health`]: one verdict over the whole stack, and symptoms in words
//! - [`mod@release`]: releases, their phases and history; the one decision, [`release::next`]
//! - [`mod@event`]: what happened, to what and by whom; its words
//! - [`mod@view`]: what people see of stacks, releases, tasks and commits
//!
//! Edges:
//! - [`mod@engine`]: the Docker API: a thin client, and the same API simulated in memory
//! - [`mod@config`]: the only reader of environment and settings
//! - [`mod@source`]: Git: mirrors, fetch, the repositories that are pushed to
//! - [`mod@forge`]: forges, one file a kind: receives webhooks, reports the state of commits
//! - [`mod@registry`]: registries of images: logins by host, and what a registry has
//! - [`mod@build`]: contexts and the engine's builder
//! - [`mod@swarm`]: observe a stack, make one change at a time, read a task's log
//! - [`mod@probe`]: makes the checks of a stack's own
//! - [`mod@store`]: releases, kept in Swarm configs
//!
//! Assembly:
//! - [`mod@controller`]: prepare, perform, queue: the edges put together
//! - [`mod@http`]: webhooks, Git over HTTP, health, metrics
//! - [`mod@cli`]: one file per command

#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, reason = "time saturates: see `time`, and `.clippy.toml`")
)]

pub mod diagnostic;
pub mod event;
pub mod health;
pub mod lease;
pub mod lint;
pub mod mask;
pub mod name;
pub mod plan;
pub mod policy;
pub mod preflight;
pub mod release;
pub mod render;
pub mod revision;
pub mod sops;
pub mod stack;
pub mod text;
pub mod time;
pub mod view;

pub mod build;
pub mod config;
pub mod engine;
pub mod forge;
pub mod probe;
pub mod registry;
pub mod source;
pub mod store;
pub mod swarm;

pub mod cli;
pub mod controller;
pub mod http;
