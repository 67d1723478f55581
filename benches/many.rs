//! What a controller needs for many stacks: `cargo bench --bench many`; with `-- --stacks 100`, for so many in place of 500.
//!
//! The real `skep serve` with real pushes, on a simulated engine in a process of its own, so that only skep's own memory is
//! in the figures. Pushes are of stacks of two services; nothing is built.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its figures, and stops when it cannot")]
#![expect(clippy::disallowed_methods, reason = "a bench starts what it measures, and is about time")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use skep::engine::simulated::{World, serve};

/// How many stacks there are unless the command line says otherwise.
const STACKS: usize = 500;
/// How long a controller rests while its requests are counted.
const REST: Duration = Duration::from_mins(1);
/// How long it takes at most to come to rest after something happened.
const CALM: Duration = Duration::from_secs(20);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, folder] = &arguments[..]
        && mode == "--engine"
    {
        return engine(Path::new(folder));
    }
    // `cargo test --all-targets` runs this, too, but not for figures.
    if arguments.iter().any(|argument| argument == "--bench") {
        let given = arguments.iter().skip_while(|argument| *argument != "--stacks").nth(1);
        measure(given.map_or(STACKS, |count| count.parse().unwrap()));
    }
}

/// The stacks of the three repositories; together, the stacks that rest.
fn repositories(stacks: usize) -> [(&'static str, usize); 3] {
    let (small, middle) = (stacks / 5, stacks * 2 / 5);
    [("large", stacks - small - middle), ("small", small), ("middle", middle)]
}

fn measure(stacks: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut bed = Bed::start(folder.path());
    println!("| phase | time | requests | peak memory | memory afterwards | of that, anonymous |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let repositories = repositories(stacks);
    for (repository, count) in repositories {
        bed.phase(&format!("first push of {count} stacks"), |bed| bed.push(repository, count, "app:1"));
    }
    sleep(CALM);
    bed.phase(&format!("{stacks} stacks at rest"), |_| sleep(REST));
    bed.phase("one node event", |bed| bed.node_events(1));
    bed.phase("five node events", |bed| bed.node_events(5));
    for (repository, count) in &repositories[1..] {
        bed.phase(&format!("push that changes {count} stacks"), |bed| bed.push(repository, *count, "app:2"));
    }
    bed.phase("restart", Bed::restart);
    bed.phase(&format!("{stacks} stacks at rest again"), |_| sleep(REST));
    bed.stop();
}

/// A simulated engine, which also writes down how many requests were made, and tells of nodes when asked.
#[tokio::main(flavor = "current_thread")]
async fn engine(folder: &Path) {
    let world = World::beginning_at(jiff::Timestamp::now());
    let served = serve(world.clone(), &folder.join("engine.sock")).unwrap();
    let tick = async {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            world.advance(Duration::from_millis(500));
            fs::write(folder.join("requests.new"), world.requests().to_string()).unwrap();
            fs::rename(folder.join("requests.new"), folder.join("requests")).unwrap();
            if let Ok(count) = fs::read_to_string(folder.join("node-events")) {
                fs::remove_file(folder.join("node-events")).unwrap();
                for _ in 0..count.parse::<u32>().unwrap() {
                    world.node_event();
                }
            }
        }
    };
    tokio::select! {
        ended = served => ended.unwrap(),
        () = tick => {}
    }
}

struct Bed {
    folder: PathBuf,
    port: u16,
    engine: Child,
    skep: Child,
}

impl Bed {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.display();
        let settings = format!(
            "listen: 127.0.0.1:{port}\ndata: {at}/skep\ndata_root: {at}/data\ntoken_files: [{at}/token]\n\
             docker_host: unix://{at}/engine.sock\n"
        );
        fs::write(folder.join("skep.yml"), settings).unwrap();
        fs::write(folder.join("token"), "token").unwrap();
        let engine = Command::new(std::env::current_exe().unwrap()).arg("--engine").arg(folder).spawn().unwrap();
        while !folder.join("requests").exists() {
            sleep(Duration::from_millis(50));
        }
        let skep = skep(folder, port);
        Self { folder: folder.to_owned(), port, engine, skep }
    }

    /// Does something, and prints what it needed.
    fn phase(&mut self, name: &str, work: impl FnOnce(&mut Self)) {
        // The peak begins anew (proc(5), `clear_refs`).
        fs::write(format!("/proc/{}/clear_refs", self.skep.id()), "5").unwrap();
        let (begin, requests) = (Instant::now(), self.requests());
        work(self);
        let time = begin.elapsed().as_secs_f64();
        // The count is written twice a second.
        sleep(Duration::from_secs(1));
        let requests = self.requests() - requests;
        let [most, after, own] = ["VmHWM:", "VmRSS:", "RssAnon:"].map(|field| self.memory(field));
        println!("| {name} | {time:.1} s | {requests} | {most} MiB | {after} MiB | {own} MiB |");
    }

    fn requests(&self) -> u64 {
        fs::read_to_string(self.folder.join("requests")).unwrap().parse().unwrap()
    }

    fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.skep.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    fn push(&mut self, repository: &str, stacks: usize, image: &str) {
        let work = self.folder.join(repository);
        for nth in 0..stacks {
            let stack = work.join(format!("stacks/{repository}{nth}"));
            fs::create_dir_all(&stack).unwrap();
            fs::write(stack.join("stack.yml"), stack_file(image)).unwrap();
        }
        git(&work, &["init", "--quiet", "--initial-branch", "main"]);
        git(&work, &["add", "."]);
        git(&work, &["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", image]);
        let remote = format!("http://bench:token@127.0.0.1:{}/git/{repository}.git", self.port);
        git(&work, &["push", &remote, "main"]);
    }

    fn node_events(&mut self, count: u32) {
        fs::write(self.folder.join("node-events"), count.to_string()).unwrap();
        sleep(CALM);
    }

    fn restart(&mut self) {
        self.skep.kill().unwrap();
        self.skep.wait().unwrap();
        self.skep = skep(&self.folder, self.port);
        sleep(CALM);
    }

    fn stop(&mut self) {
        for process in [&mut self.skep, &mut self.engine] {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

/// Starts a controller, and waits until it serves.
fn skep(folder: &Path, port: u16) -> Child {
    let log = || Stdio::from(fs::File::options().create(true).append(true).open(folder.join("log")).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
    command.arg("serve").arg("--config").arg(folder.join("skep.yml")).stdout(log()).stderr(log());
    let skep = command.spawn().unwrap();
    while !is_ready(port) {
        sleep(Duration::from_millis(50));
    }
    skep
}

fn is_ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: skep\r\nConnection: close\r\n\r\n");
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

fn stack_file(image: &str) -> String {
    let service = |name: &str| {
        format!(
            "  {name}:\n    image: {image}\n    command: [serve, --verbose]\n    environment: {{MODE: production, PORT: \"8080\"}}\n    \
             healthcheck: {{test: [CMD, /web, --check], interval: 5s}}\n    \
             deploy: {{replicas: 1, resources: {{limits: {{memory: 64M}}}}}}\n    \
             configs: [{{source: page, target: /page}}]\n"
        )
    };
    format!(
        "x-skep: {{stable: 1s}}\nservices:\n{}{}configs: {{page: {{content: hello}}}}\n",
        service("web"),
        service("worker")
    )
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}
