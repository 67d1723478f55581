//! GitOps for Docker Swarm: `git push` deploys, and a release that does not become healthy is rolled back.
//!
//! This list is the map of the crate and its layering: a module uses only modules listed above it
//! (`tests/architecture.rs` reads the list). The first half is pure: values in, values out, without
//! clock, file, network, process or `async`. Each edge talks to one outside system, decides nothing,
//! and uses no other edge but `engine` and `registry`. The assembly connects them.
//!
//! Pure:
//! - [`mod@time`]: arithmetic on time that cannot overflow
//! - [`mod@name`]: validated names
//! - [`mod@text`]: text from other sources, made safe to show
//! - [`mod@lease`]: the right to change the swarm, which every write takes
//! - [`mod@mask`]: hiding passwords and keys in output
//! - [`mod@diagnostic`]: what is wrong, where, and what to do about it
//! - [`mod@stack`]: the desired stack, with nothing left to decide; the Compose file as written
//! - [`mod@sops`]: decrypts files encrypted with SOPS for age keys, in memory
//! - [`mod@revision`]: a commit with the files that skep reads; which of them are stacks and contexts
//! - [`mod@render`]: interpolation, Traefik labels, volumes, digests: from the file to the stack
//! - [`mod@lint`]: applies every rule to every file; the only maker of a [`lint::Checked`] revision
//! - [`mod@policy`]: whether a repository may use the objects of other stacks
//! - [`mod@plan`]: the changes from the observed to the desired state, in order, with reasons
//! - [`mod@preflight`]: the obstacles to a stack, before the first write
//! - [`mod@health`]: one verdict on the whole stack, and symptoms in words
//! - [`mod@release`]: releases, their phases and history; the central decision, [`release::next`]
//! - [`mod@event`]: what happened, to what and by whom; its words
//! - [`mod@view`]: stacks, releases, tasks and commits as shown to users
//!
//! Edges:
//! - [`mod@engine`]: the Docker API: a thin client, and the same API simulated in memory
//! - [`mod@config`]: the only reader of environment and settings
//! - [`mod@source`]: Git: mirrors, fetches, hosted repositories
//! - [`mod@forge`]: forges, one file for each kind: receives webhooks, reports the state of commits
//! - [`mod@registry`]: image registries: logins by host, digests and manifests
//! - [`mod@build`]: build contexts and the engine's builder
//! - [`mod@swarm`]: observes a stack, makes one change at a time, reads a task's log
//! - [`mod@probe`]: makes a stack's own checks
//! - [`mod@store`]: releases, kept in Swarm configs
//!
//! Assembly:
//! - [`mod@controller`]: prepares, performs and queues deploys with the edges
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
