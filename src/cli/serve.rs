//! `skep serve`: the controller and its HTTP server.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;

use super::workspace::{cluster, preparer};
use super::{Common, output};
use crate::build::kept::BuildLogs;
use crate::config::{self, Settings};
use crate::controller::deploy::Deployer;
use crate::controller::events::{Consumer, EventSender};
use crate::controller::workers::Workers;
use crate::controller::{Controller, Metrics, build_logs, forges, journal};
use crate::http;
use crate::lease::Lease;
use crate::plan::Color;
use crate::source;
use crate::source::server::{self, Server};
use crate::source::sweep::Presence;

/// How long blocked threads may outlive the runtime.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the last writes to the swarm may take.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// How long tasks may take to end after they were cancelled.
const LAST_TASKS: Duration = Duration::from_secs(2);

/// The interval at which freed memory is returned to the system.
const TIDY: Duration = Duration::from_secs(10);

/// `skep serve`
#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    #[expect(clippy::unused_self, reason = "every command is called in the same way")]
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        share_one_arena();
        log();
        let settings = common.settings()?;
        // Two threads: a controller waits more than it works, and each thread costs memory.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(serve(settings));
        // A thread that waits for a dead Git server must not keep the process alive.
        runtime.shutdown_timeout(FAREWELL);
        ended
    }
}

/// Makes all threads share one arena of the C library's allocator. Otherwise each thread that ever runs gets its own
/// arena, which keeps freed memory: 10 MiB after a handful of pushes (`docs/performance.md`).
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc can be configured only by its own function or by an environment variable")]
fn share_one_arena() {
    // SAFETY: `mallopt` only sets a number in the allocator, and no other thread runs yet.
    let set = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    debug_assert_eq!(set, 1, "glibc supports this parameter");
}

#[cfg(not(target_env = "gnu"))]
fn share_one_arena() {}

/// Returns freed memory to the system at intervals, since the allocator would keep the memory of past pushes.
async fn give_back() {
    loop {
        tokio::time::sleep(TIDY).await;
        trim();
    }
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "only glibc's own function does this")]
fn trim() {
    // SAFETY: `malloc_trim` takes the allocator's own locks, and does not touch memory in use.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
fn trim() {}

async fn serve(mut settings: Settings) -> anyhow::Result<ExitCode> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    settings.own_stack = own_stack(&settings).await;
    let settings = Arc::new(settings);
    let (going_down, stop_hooks) = watch::channel(false);
    let controller = tokio::select! {
        controller = start(&settings, stop_hooks) => controller?,
        _ = stop.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    let (running, router) = controller;
    let listener =
        TcpListener::bind(settings.listen).await.with_context(|| format!("cannot listen on {}", settings.listen))?;
    let supervisor = running.controller.supervisor().clone();
    drop(supervisor.spawn(give_back()));
    tracing::info!(listen = %settings.listen, repositories = settings.repositories.len(), "skep serves");
    let stopped_controller = running.controller.clone();
    let (superseded, superseding) = oneshot::channel();
    let stopped = async move {
        tokio::select! {
            _ = stop.recv() => {}
            _ = interrupt.recv() => {}
            another = stopped_controller.superseded() => drop(superseded.send(another)),
        }
        going_down.send_replace(true);
        if tokio::time::timeout(LAST_WRITES, stopped_controller.put_down()).await.is_err() {
            tracing::warn!("the swarm does not respond: commits in preparation count as failed attempts");
        }
        if !supervisor.stop(LAST_TASKS).await {
            tracing::warn!("some tasks did not end in time, and are cut off");
        }
    };
    http::serve(listener, router, http::Limits::default(), stopped).await;
    drop(running);
    if let Ok(another) = superseding.await {
        return Err(another.into());
    }
    tracing::info!("skep stops; rollouts continue when it starts again");
    Ok(ExitCode::SUCCESS)
}

/// The stack that this process belongs to; repositories may not change it by accident.
async fn own_stack(settings: &Settings) -> Option<String> {
    cluster(settings).ok()?.swarm.stack_of(&config::own_container()?).await
}

/// The parts that live as long as the controller.
struct Running {
    controller: Controller,
    _runtime: TempDir,
    _presence: Presence,
}

/// Assembles and starts the controller.
async fn start(settings: &Arc<Settings>, stop: watch::Receiver<bool>) -> anyhow::Result<(Running, axum::Router)> {
    let metrics = Metrics::new();
    let cluster = cluster(settings)?;
    if !cluster.store.is_authenticated() {
        tracing::warn!(
            "no record key is set (SKEP_RECORD_KEY_FILE, `record_key_files`): records of releases are not authenticated"
        );
    }
    if let Some(authorities) = &settings.ca_file {
        config::certificates(authorities)?;
        source::trust(authorities)?;
    }
    let lease = Lease::of_controller();
    let logs = BuildLogs::below(&settings.data);
    let kept = build_logs::consumer(logs.clone()).context("the logs of builds cannot be kept")?;
    let consumers = [Arc::new(journal::write) as Consumer, metrics.consumer(), kept];
    let events = EventSender::new(cluster.clock.clone(), consumers);
    let workers = Workers::new(cluster.clone(), lease.clone(), events.clone(), metrics.clone(), settings.rollouts);
    let deployer = Deployer { preparer: preparer(settings).await?, cluster, workers, lease };
    let runtime = runtime(settings)?;
    let server = git_server(settings, runtime.path())?;
    let presence = server.enter()?;
    let hooks = hooks_socket(&server)?;
    let controller = Controller::new(settings.clone(), deployer, server.clone(), events, metrics.clone());
    controller.register().await?;
    // Recorded commits are resumed before pushes are accepted, because a newer push supersedes them.
    controller.start().await?;
    let pushes = controller.clone();
    let push = move |push, lines| {
        let controller = pushes.clone();
        async move { controller.push(push, lines).await }
    };
    let listen = move || http::hook::listen(hooks.clone(), push.clone(), stop.clone());
    controller.supervisor().keep("hooks", listen);
    let left = server.sweep(&presence).await;
    if left > 0 {
        tracing::info!(left, "removed leftovers of earlier pushes");
    }
    let state = http::State {
        hooks: Arc::new(forges::hooks(settings)?),
        deliveries: Arc::default(),
        git: Some(http::Git::new(server.clone(), tokens(settings)?)),
        builds: Some(logs),
        look: {
            let controller = controller.clone();
            Arc::new(move |trigger| controller.look(&trigger))
        },
        ready: {
            let (controller, server) = (controller.clone(), server.clone());
            http::Readiness::new(move || ready(controller.clone(), server.clone()))
        },
        complaints: {
            let controller = controller.clone();
            Arc::new(move || controller.complaints())
        },
        metrics: metrics.registry().clone(),
    };
    Ok((Running { controller, _runtime: runtime, _presence: presence }, http::router(state)))
}

/// The socket at which Git's hooks ask, without which no push can be taken.
fn hooks_socket(server: &Server) -> anyhow::Result<Arc<UnixListener>> {
    let socket = server.socket();
    http::hook::bind(&socket).with_context(|| {
        format!(
            "cannot open the hook's socket {}; SKEP_RUNTIME names a folder with a short path for it",
            socket.display()
        )
    })
}

/// Whether a push could be accepted now: Git reaches the hook, the hook the controller, and the controller the swarm.
async fn ready(controller: Controller, server: Server) -> Result<(), String> {
    server.ensure_hook().map_err(|error| error.to_string())?;
    let socket = server.socket();
    http::hook::ping(&socket).await.map_err(|_| {
        format!("Git's hook cannot reach skep at {}, so no push is accepted; restart skep", socket.display())
    })?;
    controller.ready().await
}

/// The prefix of the names of processes' folders.
const RUNTIME: &str = "skep-";

/// Creates a folder for this process, removed when it ends. It is never in the data folder, which replicas may share.
fn runtime(settings: &Settings) -> anyhow::Result<TempDir> {
    let parent = settings.runtime.clone().unwrap_or_else(std::env::temp_dir);
    let private = std::fs::Permissions::from_mode(0o700);
    let made = std::fs::create_dir_all(&parent).and_then(|()| {
        sweep(&parent);
        tempfile::Builder::new().prefix(RUNTIME).permissions(private).tempdir_in(&parent)
    });
    made.with_context(|| format!("cannot create a folder in {}; set SKEP_RUNTIME to another place", parent.display()))
}

/// Removes the folders of killed controllers: those with a socket that nobody listens on.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(RUNTIME);
        let socket = entry.path().join(server::SOCKET);
        let asked = is_ours.then(|| UnixStream::connect(socket));
        if matches!(asked, Some(Err(error)) if error.kind() == ErrorKind::ConnectionRefused) {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

fn git_server(settings: &Settings, runtime: &Path) -> anyhow::Result<Server> {
    let skep = std::env::current_exe().context("the path of skep's own binary is not known")?;
    Ok(Server::new(server::Settings {
        root: settings.data.join("git"),
        runtime: runtime.to_owned(),
        push_hook: vec![skep.to_string_lossy().into_owned(), "push-hook".into()],
        branch_hook: vec![skep.to_string_lossy().into_owned(), "branch-hook".into()],
        max_push: settings.max_push,
        patience: server::Settings::PATIENCE,
    })?)
}

fn tokens(settings: &Settings) -> anyhow::Result<Vec<SecretString>> {
    if settings.token_files.is_empty() {
        tracing::warn!("no token is set (SKEP_TOKEN_FILE, `token_files`): nobody can push");
    }
    Ok(settings.token_files.iter().map(|file| config::secret(file)).collect::<Result<_, _>>()?)
}

/// Logs as lines for a person, or as JSON with `SKEP_LOG_FORMAT=json`; `SKEP_LOG` filters, `info` if not set.
fn log() {
    let filter = EnvFilter::new(config::variable("SKEP_LOG").unwrap_or_else(|| "info".into()));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    if config::variable("SKEP_LOG_FORMAT").is_some_and(|format| format == "json") {
        builder.json().with_writer(output::json_log).init();
    } else {
        let color = if output::is_watched() { Color::Always } else { Color::Never };
        builder.with_ansi(color == Color::Always).with_writer(output::log(color)).init();
    }
}
