//! A controller in the process of the test, in a sandbox.

use std::sync::Arc;
use std::time::Duration;

use skep::build::{Builder, Limits};
use skep::config::Settings;
use skep::controller::clock::Clock;
use skep::controller::cluster::Cluster;
use skep::controller::deploy::Deployer;
use skep::controller::events::EventSender;
use skep::controller::prepare::Preparer;
use skep::controller::workers::Workers;
use skep::controller::{Controller, Metrics};
use skep::engine::Engine;
use skep::lease::Lease;
use skep::probe::Prober;
use skep::source::server::{self, Server};
use skep::store::Store;
use skep::swarm::Swarm;
use tokio::runtime::Runtime;

use super::sandbox::Sandbox;

/// How long a controller may take to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A controller as a process would be: it can be killed.
pub(crate) struct Running {
    pub(crate) runtime: Runtime,
    pub(crate) controller: Controller,
}

impl Running {
    /// One that has begun to watch.
    pub(crate) fn start(sandbox: &Sandbox, settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let controller = runtime.block_on(async {
            let controller = controller(sandbox, settings, Clock::System).await;
            controller.start().await.unwrap();
            controller
        });
        Self { runtime, controller }
    }

    /// Comes back when nothing of it is left.
    pub(crate) fn kill(self) {
        self.runtime.shutdown_timeout(PATIENCE);
    }
}

/// A controller that has not begun. Its repositories are in the sandbox's folder `git`.
pub(crate) async fn controller(sandbox: &Sandbox, settings: Settings, clock: Clock) -> Controller {
    let (settings, metrics) = (Arc::new(settings), Metrics::new());
    let builder = Builder::new(Engine::Simulated(sandbox.world.clone()), None, Limits::default());
    let cluster = cluster(sandbox, clock);
    let lease = Lease::of_controller();
    let deployer = Deployer {
        preparer: Preparer::new(builder, settings.clone()),
        workers: Workers::new(cluster.clone(), lease.clone(), EventSender::nowhere(), metrics.clone(), 4),
        cluster,
        lease,
    };
    let server = Server::new(server::Settings {
        root: sandbox.path().join("git"),
        runtime: sandbox.path().join("run"),
        push_hook: vec!["false".into()],
        branch_hook: vec!["false".into()],
        max_push: server::Settings::MAX_PUSH,
        patience: server::Settings::PATIENCE,
    });
    Controller::new(settings, deployer, server.unwrap(), EventSender::nowhere(), metrics)
}

/// The swarm of a sandbox, without a socket in between.
pub(crate) fn cluster(sandbox: &Sandbox, clock: Clock) -> Cluster {
    let engine = Engine::Simulated(sandbox.world.clone());
    let mut swarm = Swarm::new(engine.clone());
    swarm.data_root = sandbox.path().join("data");
    Cluster { swarm, store: Store::new(engine.clone()), prober: Prober::new(engine), clock }
}
