//! Images from commits, on a real engine and with a real registry.
//!
//! Needs an engine (`DOCKER_HOST`, else `/var/run/docker.sock`) and a static `/bin/busybox` (Debian's
//! `busybox-static`); the registry is Debian's `docker-registry`, run as a process. Each test has a stack of its own,
//! and removes the images and containers of that name, however it ends.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may")]

mod bounds;
mod building;
mod ignoring;
mod pushing;
mod sandbox;
