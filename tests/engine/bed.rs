//! What a scenario runs on: a swarm and a stack name of its own, both gone when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;
use skep::engine::docker::Client;
use skep::engine::simulated::{World, serve};
use skep::engine::{Call, Engine};
use skep::lease::Lease;
use skep::name::{ServiceName, StackName};
use skep::plan::observed::{Observed, ObservedService, Task};
use skep::plan::{Action, Change, Subject};
use skep::stack::{NAMESPACE_LABEL, Service, Stack};
use skep::store::Store;
use skep::swarm::{Error, Swarm};

const SOCKET: &str = "/var/run/docker.sock";
/// Two tags of one image that holds nothing but a static busybox.
pub(crate) const IMAGES: [&str; 2] = ["skep-test/engine:1", "skep-test/engine:2"];
/// How often at most a condition is looked at, and how long apart.
const LOOKS: u32 = 400;
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) struct Bed {
    pub(crate) engine: Engine,
    pub(crate) swarm: Swarm,
    pub(crate) store: Store,
    pub(crate) stack: StackName,
    /// Only if it is the simulated one.
    pub(crate) world: Option<World>,
    /// Where the engine is, if it is a real one.
    host: String,
}

impl Bed {
    pub(crate) fn simulated(scenario: &str) -> Self {
        let world = World::new();
        Self::on(Engine::Simulated(world.clone()), Some(world), "", scenario)
    }

    /// The simulated one behind a socket, for as long as the folder of the socket is there.
    pub(crate) fn served(scenario: &str) -> (Self, tempfile::TempDir) {
        let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
        let socket = folder.path().join("docker.sock");
        let client = Client::connect(&format!("unix://{}", socket.display())).unwrap();
        tokio::spawn(serve(world.clone(), &socket).unwrap());
        (Self::on(Engine::Docker(client), Some(world), "", scenario), folder)
    }

    /// None if there is no engine, which in CI is a failure.
    pub(crate) fn docker(scenario: &str) -> Option<Self> {
        let host = Path::new(SOCKET).exists().then(|| format!("unix://{SOCKET}"));
        Self::real(host, &format!("there is no Docker engine at {SOCKET}"), scenario)
    }

    /// The engine in a container that `scripts/newest.sh up` starts. None if it does not run, which in CI is a failure.
    pub(crate) fn newest(scenario: &str) -> Option<Self> {
        static HOST: OnceLock<Option<String>> = OnceLock::new();
        Self::real(
            HOST.get_or_init(newest_host).clone(),
            "there is no newer engine: run scripts/newest.sh up",
            scenario,
        )
    }

    #[expect(
        clippy::disallowed_methods,
        clippy::print_stderr,
        reason = "a test asks where it runs, and says what it skips"
    )]
    fn real(host: Option<String>, missing: &str, scenario: &str) -> Option<Self> {
        let Some(host) = host else {
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("SKIPPED {scenario}: {missing}");
            return None;
        };
        build_images(&host);
        Some(Self::on(docker(&host), None, &host, scenario))
    }

    fn on(engine: Engine, world: Option<World>, host: &str, scenario: &str) -> Self {
        let short: String = scenario.split('_').filter_map(|word| word.chars().next()).collect();
        let stack = format!("skep-test-{short}-{}", std::process::id()).parse().unwrap();
        Self {
            swarm: Swarm::new(engine.clone()),
            // Another controller may run in the same swarm.
            store: Store::new(engine.clone()).with_scope("engine-test".parse().unwrap()),
            engine,
            stack,
            world,
            host: host.to_owned(),
        }
    }

    pub(crate) async fn observe(&self) -> Observed {
        self.swarm.observe(&self.stack).await.unwrap()
    }

    pub(crate) async fn create(&self, desired: &Stack, subject: Subject) -> Result<(), Error> {
        self.perform(subject, Action::Create, desired, &self.observe().await).await
    }

    pub(crate) async fn update(&self, desired: &Stack, key: &str, observed: &Observed) -> Result<(), Error> {
        let action = Action::Update { fields: vec![], restarts: 1 };
        self.perform(Subject::Service(key.parse().unwrap()), action, desired, observed).await
    }

    pub(crate) async fn relabel(&self, subject: Subject, desired: &Stack) -> Result<(), Error> {
        let action = Action::Update { fields: vec![], restarts: 0 };
        self.perform(subject, action, desired, &self.observe().await).await
    }

    pub(crate) async fn remove(&self, subject: Subject) -> Result<(), Error> {
        self.perform(subject, Action::Remove, &self.stack(), &self.observe().await).await
    }

    async fn perform(
        &self,
        subject: Subject,
        action: Action,
        desired: &Stack,
        observed: &Observed,
    ) -> Result<(), Error> {
        self.swarm.perform(&Lease::of_command(), &Change::new(subject, action), desired, observed).await
    }

    /// The stack with nothing in it.
    pub(crate) fn stack(&self) -> Stack {
        Stack::empty(self.stack.clone())
    }

    /// Creates all that a stack has, in the order in which it needs it.
    pub(crate) async fn create_all(&self, desired: &Stack) {
        let networks = desired.networks.keys().cloned().map(Subject::Network);
        let secrets = desired.secrets.keys().cloned().map(Subject::Secret);
        let configs = desired.configs.keys().cloned().map(Subject::Config);
        let services = desired.services.keys().cloned().map(Subject::Service);
        for subject in networks.chain(secrets).chain(configs).chain(services) {
            self.create(desired, subject).await.unwrap();
        }
    }

    /// Looks until the service `web` is as `wanted`.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&ObservedService) -> bool) -> ObservedService {
        let mut last = None;
        for _ in 0..LOOKS {
            let web = self.observe().await.services.remove(&web());
            if let Some(web) = web.as_ref().filter(|web| wanted(web)) {
                return web.clone();
            }
            last = web;
            self.wait().await;
        }
        panic!("web was never {what}; last it was {last:#?}");
    }

    /// Looks until a task of the service `web` is as `wanted`.
    pub(crate) async fn until_task(&self, what: &str, wanted: impl Fn(&Task) -> bool) -> Task {
        let web = self.until(what, |web| web.tasks.iter().any(&wanted)).await;
        web.tasks.into_iter().find(|task| wanted(task)).unwrap()
    }

    /// Tries until it succeeds.
    pub(crate) async fn until_removed(&self, subject: Subject) {
        for _ in 0..LOOKS {
            if self.remove(subject.clone()).await.is_ok() {
                return;
            }
            self.wait().await;
        }
        panic!("{subject:?} could not be removed");
    }

    /// Looks until there is nothing at a path of the API.
    pub(crate) async fn until_gone(&self, path: &str) {
        for _ in 0..LOOKS {
            if self.engine.call(Call::get(path)).await.is_err() {
                return;
            }
            self.wait().await;
        }
        panic!("{path} was never gone");
    }

    pub(crate) async fn wait(&self) {
        match &self.world {
            Some(world) => world.advance(PAUSE),
            None => tokio::time::sleep(PAUSE).await,
        }
    }

    /// The body of the service `web`, as the engine has it.
    pub(crate) async fn inspect(&self) -> Value {
        let path = format!("/services/{}", self.stack.scoped("web"));
        self.engine.json(Call::get(path)).await.unwrap()
    }
}

pub(crate) fn web() -> ServiceName {
    "web".parse().unwrap()
}

/// A service that sleeps until it is told to stop.
pub(crate) fn sleeper() -> Service {
    Service {
        image: IMAGES[0].into(),
        image_as_written: IMAGES[0].into(),
        entrypoint: ["/bin/busybox", "sh", "-c", "trap exit TERM; while :; do sleep 0.1; done"]
            .map(String::from)
            .into(),
        ..Service::default()
    }
}

/// A stack with a service `web`.
pub(crate) fn with_web(bed: &Bed, service: Service) -> Stack {
    Stack { services: BTreeMap::from([(web(), service)]), ..bed.stack() }
}

fn docker(host: &str) -> Engine {
    Engine::Docker(Client::connect(host).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the script knows where the engine is")]
fn newest_host() -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/newest.sh");
    let output = Command::new(script).arg("address").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|host| !host.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "a test builds its images with the real client")]
fn build_images(host: &str) {
    static BUILT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    // Who comes second waits until they are there.
    let mut built = BUILT.lock().unwrap();
    if built.insert(host.to_owned()) {
        let context = tempfile::tempdir().unwrap();
        std::fs::copy("/bin/busybox", context.path().join("busybox")).expect("the package busybox-static is installed");
        let dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"/bin\"]\n";
        std::fs::write(context.path().join("Dockerfile"), dockerfile).unwrap();
        let mut command = Command::new("docker");
        command.args(["--host", host, "build", "-q", "-t", IMAGES[0], "-t", IMAGES[1]]).arg(context.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Bed {
    /// Also when the scenario failed. On a thread of its own, for the runtime of the test cannot be waited on here.
    fn drop(&mut self) {
        if self.world.is_none() {
            let (stack, host) = (self.stack.clone(), self.host.clone());
            let cleanup = move || tokio::runtime::Runtime::new().unwrap().block_on(clean_up(&docker(&host), &stack));
            std::thread::spawn(cleanup).join().expect("what the scenario made can be removed");
        }
    }
}

async fn clean_up(engine: &Engine, stack: &StackName) {
    let label = format!("{NAMESPACE_LABEL}={stack}");
    let records = format!("skep.{stack}.");
    for _ in 0..LOOKS {
        let mut left = 0;
        for (path, key, value) in [
            ("/services", "label", &label),
            ("/networks", "label", &label),
            ("/configs", "label", &label),
            ("/secrets", "label", &label),
            ("/configs", "name", &records),
        ] {
            let found: Vec<Value> = engine.json(Call::get(path).filtered(key, &[value])).await.unwrap();
            for object in &found {
                let id = object["ID"].as_str().or(object["Id"].as_str()).unwrap();
                // What is still in use goes with the next round.
                let _outcome = engine.call(Call::delete(format!("{path}/{id}"))).await;
            }
            left += found.len();
        }
        if left == 0 && volumes_are_gone(engine, stack).await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("something of {stack} is left");
}

/// Swarm leaves volumes where they are; those of a task that has not stopped yet go with a later round.
async fn volumes_are_gone(engine: &Engine, stack: &StackName) -> bool {
    let found: Value = engine.json(Call::get("/volumes").filtered("name", &[&format!("{stack}_")])).await.unwrap();
    let names: Vec<&str> =
        found["Volumes"].as_array().into_iter().flatten().filter_map(|it| it["Name"].as_str()).collect();
    for name in &names {
        let _outcome = engine.call(Call::delete(format!("/volumes/{name}"))).await;
    }
    names.is_empty()
}
