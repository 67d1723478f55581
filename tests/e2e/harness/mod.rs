//! A lab: a controller, an engine, and verbs. Nothing is left of a test when it ends, also when it fails.

pub(crate) mod command;
pub(crate) mod controller;
mod folder;
pub(crate) mod gitlab;
mod image;
pub(crate) mod registry;
pub(crate) mod repository;
pub(crate) mod stacks;
pub(crate) mod swarm;
pub(crate) mod waiting;
pub(crate) mod web;

use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use controller::Controller;
use image::Base;
use repository::Repository;

pub(crate) use image::IMAGE;

/// A controller, and its turn on the engine.
pub(crate) struct Lab {
    controller: Arc<Controller>,
    _base: Arc<Base>,
    _turn: Turn,
}

/// Tests that share a controller run at once; one that has its own runs alone, for a controller that starts takes up
/// what others have begun.
#[expect(dead_code, reason = "they are only held")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

static TURNS: RwLock<()> = RwLock::new(());
static SHARED: Mutex<Weak<Controller>> = Mutex::new(Weak::new());

impl Lab {
    /// The controller that tests share. None, loudly, if there is no engine.
    pub(crate) fn open() -> Option<Self> {
        has_engine().then(|| {
            let turn = Turn::Shared(TURNS.read().unwrap_or_else(PoisonError::into_inner));
            prepare();
            Self { controller: shared(), _base: Base::built(), _turn: turn }
        })
    }

    /// A controller for this test alone, with these lines in its settings.
    pub(crate) fn alone(settings: &str) -> Option<Self> {
        has_engine().then(|| {
            let turn = Turn::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner));
            prepare();
            Self { _base: Base::built(), controller: Arc::new(Controller::start(settings)), _turn: turn }
        })
    }

    /// A new repository, whose stack has this name behind the prefix of the tests.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        Repository::new(format!("{}{name}", swarm::PREFIX), self.controller.clone())
    }

    /// `skep status` of a stack, without what differs from run to run.
    pub(crate) fn status(&self, repository: &Repository) -> String {
        repository::redacted(&self.skep(&["status", &repository.name]))
    }
}

impl Deref for Lab {
    type Target = Controller;

    fn deref(&self) -> &Controller {
        &self.controller
    }
}

/// The running one, or a new one: it stops when the last test that uses it ends.
fn shared() -> Arc<Controller> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let controller = Arc::new(Controller::start("max_push: 50000000\n"));
        *shared = Arc::downgrade(&controller);
        controller
    })
}

#[expect(clippy::print_stderr, reason = "a test says what it skips")]
fn has_engine() -> bool {
    let info = command::attempt("docker", &["info", "--format", "{{.Swarm.ControlAvailable}}"]);
    let there = info.stdout.starts_with(b"true") && Path::new(image::BUSYBOX).exists();
    if !there {
        let missing = format!("a Docker engine that is a manager, or {}", image::BUSYBOX);
        assert!(!command::is_ci(), "CI needs {missing}: scripts/engine.sh up");
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        eprintln!("SKIPPED {name}: there is no {missing}");
    }
    there
}

/// Once: removes what a run left that was killed. Two runs on one machine take turns, for their stacks have the same
/// names.
fn prepare() {
    static PREPARED: OnceLock<File> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let turn = File::create(std::env::temp_dir().join("skep-e2e.lock")).unwrap();
        turn.lock().unwrap();
        folder::sweep();
        swarm::remove_notes("e2e-");
        for stack in swarm::leftovers() {
            swarm::remove(&stack);
        }
        turn
    });
}
