//! The real engine as a stage: names of its own, images that do what a story says, and nothing left behind.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use skep::engine::docker::Client;
use skep::engine::simulated::Behaviour;
use skep::engine::{Call, Engine};
use skep::stack::NAMESPACE_LABEL;

const SOCKET: &str = "/var/run/docker.sock";
/// No registry listens there, so images of it are those of this engine.
const REGISTRY: &str = "127.0.0.1:9";
/// The names that stacks have in stories.
const STACKS: [&str; 2] = ["shop", "blog"];
/// The images that stories have.
const IMAGES: [&str; 4] = ["app", "migrate", "seed", "slow"];
/// The port that services publish in stories.
const PORT: &str = "8080";
/// How often what is left is looked at until it is gone, and how long apart.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// A part of the real swarm that is a story's own.
pub(crate) struct Docker {
    prefix: String,
    /// The port that is published instead of a story's: others may have that one.
    port: String,
    /// The images that a story gave a behaviour, and those that were built, by name.
    images: BTreeMap<String, Behaviour>,
    built: BTreeMap<String, Behaviour>,
}

impl Docker {
    /// None if there is no engine, which in CI is a failure.
    pub(crate) fn for_story(story: &str) -> Option<Self> {
        if !Path::new(SOCKET).exists() {
            assert!(std::env::var_os("CI").is_none(), "there is no Docker engine at {SOCKET}");
            return None;
        }
        let short: String = story.split('-').filter_map(|word| word.chars().next()).collect();
        let prefix = format!("skep-test-{short}-{}-", std::process::id());
        let port = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port().to_string();
        Some(Self { prefix, port, images: BTreeMap::new(), built: BTreeMap::new() })
    }

    pub(crate) fn host() -> String {
        format!("unix://{SOCKET}")
    }

    /// The scope of what the stories record: another controller may run in the same swarm.
    pub(crate) fn scope() -> String {
        format!("it-{}", std::process::id())
    }

    /// A text of the story in names that are its own on this engine.
    pub(crate) fn inward(&self, text: &str) -> String {
        let stacks = Regex::new(&format!(r"\b({})(_|\b)", STACKS.join("|"))).unwrap();
        let images = Regex::new(&format!(r"\b({}):(\w+)", IMAGES.join("|"))).unwrap();
        let text = stacks.replace_all(text, format!("{}${{1}}${{2}}", self.prefix));
        images.replace_all(&text, format!("{REGISTRY}/{}${{1}}:$2", self.prefix)).replace(PORT, &self.port)
    }

    /// What was said, in the names of the story.
    pub(crate) fn outward(&self, text: &str) -> String {
        let text = text.replace(&format!("{REGISTRY}/{}", self.prefix), "").replace(&self.prefix, "");
        text.replace(&self.port, PORT)
    }

    /// Sets what tasks of an image do. What is said of services is brought about by the story's files.
    pub(crate) fn script(&mut self, who: &str, behaviour: Behaviour) {
        if who.starts_with(REGISTRY) {
            self.images.insert(who.to_owned(), behaviour);
        }
    }

    /// Builds the images that a file names, if they are not there as they should be.
    pub(crate) fn build_images(&mut self, text: &str) {
        let image = Regex::new(&format!(r"{REGISTRY}/[\w.-]+:\w+")).unwrap();
        for name in image.find_iter(text).map(|found| found.as_str().to_owned()) {
            let behaviour = self.images.get(&name).cloned().unwrap_or(Behaviour::Healthy);
            if behaviour != Behaviour::NoSuchImage && self.built.get(&name) != Some(&behaviour) {
                build(&name, &behaviour);
                self.built.insert(name, behaviour);
            }
        }
    }
}

/// An image that holds nothing but a static busybox, and does one thing.
fn build(name: &str, behaviour: &Behaviour) {
    let context = tempfile::tempdir().unwrap();
    std::fs::copy("/bin/busybox", context.path().join("busybox")).expect("the package busybox-static is installed");
    let script = match behaviour {
        Behaviour::Crash { exit_code, .. } => format!("echo boom; exit {exit_code}"),
        // It does not end well when it is stopped for being unhealthy.
        Behaviour::Unhealthy => "while :; do sleep 0.1; done".to_owned(),
        Behaviour::OutOfMemory => "exec dd if=/dev/zero of=/dev/null bs=64M".to_owned(),
        _ => "trap exit TERM; while :; do sleep 0.1; done".to_owned(),
    };
    let check = match behaviour {
        Behaviour::NeverHealthy => "HEALTHCHECK --interval=1h CMD [\"/bin/busybox\", \"true\"]\n",
        Behaviour::Unhealthy => "HEALTHCHECK --interval=500ms --retries=1 CMD echo connection refused; exit 1\n",
        _ => "",
    };
    let dockerfile = format!(
        "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"/bin\"]\n{check}\
         CMD [\"/bin/busybox\", \"sh\", \"-c\", \"{script}\"]\n"
    );
    let mut command = Command::new("docker");
    command.args(["build", "-q", "-t", name, "-f", "-"]).arg(context.path());
    let mut building = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    building.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
    let built = building.wait_with_output().unwrap();
    assert!(built.status.success(), "{name} could not be built: {}", String::from_utf8_lossy(&built.stderr));
}

impl Drop for Docker {
    /// Also when the story failed. On a thread of its own, for it may be dropped within a runtime.
    fn drop(&mut self) {
        let (prefix, images) = (self.prefix.clone(), std::mem::take(&mut self.built));
        let clean = move || tokio::runtime::Runtime::new().unwrap().block_on(clean_up(&prefix, images.keys()));
        std::thread::spawn(clean).join().expect("what the story made can be removed");
    }
}

async fn clean_up(prefix: &str, images: impl Iterator<Item = &String>) {
    let engine = Engine::Docker(Client::connect(&format!("unix://{SOCKET}")).unwrap());
    for stack in STACKS {
        remove_stack(&engine, &format!("{prefix}{stack}")).await;
    }
    let images = images.cloned().chain(built(&engine, prefix).await);
    for image in images {
        // A container that is being removed may hold it: then it goes with the next sweep of the engine.
        let _outcome = engine.call(Call::delete(format!("/images/{image}")).with("force", true)).await;
    }
}

/// The images that skep has built for the stacks of a story.
async fn built(engine: &Engine, prefix: &str) -> Vec<String> {
    let images: Vec<Value> = engine.json(Call::get("/images/json")).await.unwrap();
    let names = images.iter().flat_map(|image| image["RepoTags"].as_array().into_iter().flatten());
    let own = format!("skep.local/{prefix}");
    names.filter_map(Value::as_str).filter(|name| name.starts_with(&own)).map(str::to_owned).collect()
}

async fn remove_stack(engine: &Engine, stack: &str) {
    let (label, records) = (format!("{NAMESPACE_LABEL}={stack}"), format!("skep.{stack}."));
    for _ in 0..LOOKS {
        let mut left = 0;
        for (path, key, value) in [
            ("/configs", "name", &records),
            ("/services", "label", &label),
            ("/networks", "label", &label),
            ("/configs", "label", &label),
            ("/secrets", "label", &label),
            // Swarm leaves those of a job behind that has ended.
            ("/containers", "label", &label),
        ] {
            let list =
                if path == "/containers" { Call::get("/containers/json").with("all", true) } else { Call::get(path) };
            let found: Vec<Value> = engine.json(list.filtered(key, &[value])).await.unwrap();
            for object in &found {
                let id = object["ID"].as_str().or(object["Id"].as_str()).unwrap();
                // What is still in use goes with the next look.
                let _outcome = engine.call(Call::delete(format!("{path}/{id}"))).await;
            }
            left += found.len();
        }
        if left == 0 {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("something of {stack} is left");
}
