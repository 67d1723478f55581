//! Sandboxes: folders and a simulated swarm of their own, real Git, the real binary.

pub(crate) mod controller;
pub(crate) mod docker;
pub(crate) mod repository;
pub(crate) mod sandbox;
pub(crate) mod stage;
pub(crate) mod story;
