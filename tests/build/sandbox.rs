//! A repository, an engine, a registry; and no trace of them afterwards.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use skep::build::context::Context;
use skep::build::{Builder, Limits, Objects, ReadError, Report, Request};
use skep::engine::docker::Client;
use skep::engine::simulated::World;
use skep::engine::{Call, Engine};
use skep::name::{RegistryHost, StackName};
use skep::registry::{Login, Registry};
use skep::revision::{Entry, EntryKind, Revision};
use skep::stack::recipe::Recipe;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

/// The shell of images that are made from scratch.
pub(crate) const BUSYBOX: &str = "/bin/busybox";

/// A repository whose commits are built on an engine, under a stack's name of its own.
pub(crate) struct Sandbox {
    pub(crate) stack: StackName,
    pub(crate) engine: Engine,
    folder: TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

/// Runs a test on the simulated engine, and then on the real one: what is seen of builds is the same.
pub(crate) async fn on_both<F: Future<Output = ()>>(name: &str, test: impl Fn(Arc<Sandbox>) -> F) {
    on(Engine::Simulated(World::new()), name, &test).await;
    in_sandbox(name, test).await;
}

/// Runs a test in a sandbox; without an engine it says so and passes, but never in CI.
pub(crate) async fn in_sandbox<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Arc<Sandbox>) -> F) {
    if is_there().await {
        on(engine_at(&endpoint()), name, test).await;
    }
}

/// Runs a test in a sandbox on this engine.
pub(crate) async fn on<F: Future<Output = ()>>(engine: Engine, name: &str, test: impl FnOnce(Arc<Sandbox>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(folder.path()).unwrap();
    let stack: StackName = format!("skep-test-{name}-{}", std::process::id()).parse().unwrap();
    let sandbox = Arc::new(Sandbox { stack, engine, folder, lines: Arc::default() });
    let result = AssertUnwindSafe(test(sandbox.clone())).catch_unwind().await;
    sandbox.clean().await;
    if let Err(panic) = result {
        let kind = if matches!(sandbox.engine, Engine::Docker(_)) { "real" } else { "simulated" };
        println!("on the {kind} engine; the builder's lines:\n{}", sandbox.log());
        std::panic::resume_unwind(panic);
    }
}

/// Whether there is what the tests need.
async fn is_there() -> bool {
    let there = engine_at(&endpoint()).version().await.is_ok() && Path::new(BUSYBOX).exists();
    if !there {
        assert!(variable("CI").is_none(), "CI needs a Docker engine at {} and {BUSYBOX}", endpoint());
        println!("SKIPPED: no Docker engine at {}, or no {BUSYBOX}", endpoint());
    }
    there
}

pub(crate) fn engine_at(endpoint: &str) -> Engine {
    Engine::Docker(Client::connect(endpoint).unwrap())
}

pub(crate) fn endpoint() -> String {
    variable("DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".into())
}

#[expect(clippy::disallowed_methods, reason = "where the engine is, and whether this is CI")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Sandbox {
    /// Commits these files (path and content; `+x` makes one executable) and a shell as `busybox`.
    pub(crate) fn commit(&self, files: &[(&str, &[u8])]) -> Revision {
        let repository = git2::Repository::open_bare(self.folder.path()).unwrap();
        let shell = std::fs::read(BUSYBOX).unwrap();
        let mut entries = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for (path, content) in files.iter().copied().chain([("busybox", shell.as_slice())]) {
            let kind = if path == "busybox" { EntryKind::Executable } else { EntryKind::File };
            let entry = Entry { kind, id: repository.blob(content).unwrap().to_string() };
            entries.insert(path.parse().unwrap(), entry);
            texts.insert(path.parse().unwrap(), Arc::from(content));
        }
        Revision {
            commit: "0".repeat(40).parse().unwrap(),
            tree: "0".repeat(40).parse().unwrap(),
            author: String::new(),
            subject: String::new(),
            entries,
            texts,
            named: None,
        }
    }

    /// A builder without a registry.
    pub(crate) fn builder(&self, limits: Limits) -> Builder {
        Builder::new(self.engine.clone(), None, limits)
    }

    /// A request to build a revision's top folder with this command as the test of the image.
    pub(crate) fn request(&self, revision: &Revision, test: &[&str]) -> Request {
        let recipe = recipe(test);
        let context = Context::of(revision, &recipe).unwrap();
        let lines = self.lines.clone();
        Request {
            stack: self.stack.clone(),
            key: context.key(&recipe, &BTreeMap::new()),
            recipe,
            context,
            pull: false,
            objects: self.objects(),
            log: Arc::new(move |report| lines.lock().unwrap().push(said(report))),
        }
    }

    /// Reads Git's objects, no more bytes than allowed.
    fn objects(&self) -> Objects {
        let repository = Mutex::new(git2::Repository::open_bare(self.folder.path()).unwrap());
        Arc::new(move |entry, limit| {
            let failed = |error: git2::Error| ReadError::Failed(error.message().to_owned());
            let repository = repository.lock().unwrap();
            let id = git2::Oid::from_str(&entry.id).map_err(failed)?;
            let (size, _) = repository.odb().and_then(|objects| objects.read_header(id)).map_err(failed)?;
            if size as u64 > limit {
                return Err(ReadError::TooLarge(size as u64));
            }
            repository.find_blob(id).map(|blob| blob.content().to_vec()).map_err(failed)
        })
    }

    /// What the builder has said so far.
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// The containers of this sandbox that are there, running or not.
    pub(crate) async fn containers(&self) -> Vec<String> {
        let all = Call::get("/containers/json").with("all", true).filtered("label", &["skep.test"]);
        let containers: Vec<Value> = self.engine.json(all).await.unwrap();
        let own = format!("{}_", self.stack);
        let is_own = |container: &&Value| container["Labels"]["skep.test"].as_str().unwrap().starts_with(&own);
        containers.iter().filter(is_own).map(|container| container["Id"].as_str().unwrap().to_owned()).collect()
    }

    /// The images of this sandbox that are there.
    pub(crate) async fn images(&self) -> Vec<String> {
        let images: Vec<Value> = self.engine.json(Call::get("/images/json")).await.unwrap();
        let names = images.iter().flat_map(|image| image["RepoTags"].as_array().into_iter().flatten());
        let names = names.map(|name| name.as_str().unwrap().to_owned());
        names.filter(|name| name.contains(&format!("/{}/", self.stack)) || name.ends_with(&self.base_tag())).collect()
    }

    /// The end of the names of images that stand for others' base images.
    pub(crate) fn base_tag(&self) -> String {
        format!("/base:{}", self.stack)
    }

    async fn clean(&self) {
        for id in self.containers().await {
            drop(self.engine.call(Call::delete(format!("/containers/{id}")).with("force", true).with("v", true)).await);
        }
        for name in self.images().await {
            drop(self.engine.call(Call::delete(format!("/images/{name}"))).await);
        }
    }
}

/// The recipe for a revision's top folder with this command as test.
pub(crate) fn recipe(test: &[&str]) -> Recipe {
    Recipe {
        service: "web".parse().unwrap(),
        context: "".parse().unwrap(),
        dockerfile: "Dockerfile".parse().unwrap(),
        args: BTreeMap::new(),
        target: None,
        test: test.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// A Dockerfile of an image with a shell, and these lines.
pub(crate) fn dockerfile(lines: &str) -> Vec<u8> {
    format!("FROM scratch\nCOPY busybox /bin/busybox\n{lines}\n").into_bytes()
}

/// Waits until something is so, half a minute at most.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never so: {what}");
}

/// A registry that runs as a process for one test.
pub(crate) struct RegistryProcess {
    process: Child,
    pub(crate) host: String,
    _folder: TempDir,
}

impl RegistryProcess {
    /// Starts one; with these lines of htpasswd it lets in only whom they name. None if it is not installed.
    pub(crate) async fn start(htpasswd: Option<&str>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, htpasswd, "").await
    }

    /// As [`start`](Self::start), over TLS, with a certificate of an authority of its own, and that one's certificate.
    pub(crate) async fn start_with_tls(htpasswd: &str) -> Option<(Self, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        make_certificates(folder.path());
        let authority = std::fs::read(folder.path().join("ca.pem")).unwrap();
        let at = folder.path().display();
        let tls = format!(", tls: {{certificate: {at}/server.pem, key: {at}/server.key}}");
        Some((Self::start_in(folder, Some(htpasswd), &tls).await?, authority))
    }

    async fn start_in(folder: TempDir, htpasswd: Option<&str>, tls: &str) -> Option<Self> {
        let host = format!("127.0.0.1:{}", free_port());
        std::fs::write(folder.path().join("config.yml"), configuration(folder.path(), &host, htpasswd, tls)).unwrap();
        let Some(process) = spawn(&folder.path().join("config.yml")) else {
            assert!(variable("CI").is_none(), "CI needs Debian's docker-registry");
            println!("SKIPPED: docker-registry is not installed");
            return None;
        };
        let registry = Self { process, host, _folder: folder };
        eventually("the registry answers", async || TcpStream::connect(&registry.host).await.is_ok()).await;
        Some(registry)
    }

    /// What the builder is told about it.
    pub(crate) fn registry(&self, credentials: Option<(&str, &str)>) -> Registry {
        Registry {
            prefix: self.host.clone(),
            insecure: true,
            authorities: Vec::new(),
            login: credentials.map(|(user, password)| Login::new(&RegistryHost::of_prefix(&self.host), user, password)),
        }
    }

    /// The digest that it says a name and tag has.
    pub(crate) async fn digest(&self, name: &str) -> String {
        let (path, tag) = name.strip_prefix(&format!("{}/", self.host)).unwrap().rsplit_once(':').unwrap();
        let request = reqwest::Client::new().head(format!("http://{}/v2/{path}/manifests/{tag}", self.host));
        let accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
        let answer = request.header("Accept", accept).send().await.unwrap();
        answer.headers()["docker-content-digest"].to_str().unwrap().to_owned()
    }
}

impl Drop for RegistryProcess {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn configuration(folder: &Path, host: &str, htpasswd: Option<&str>, tls: &str) -> String {
    let storage = folder.join("storage");
    let users = folder.join("htpasswd");
    let mut text = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"{tls}}}\n",
        storage.display()
    );
    if let Some(lines) = htpasswd {
        std::fs::write(&users, lines).unwrap();
        text.extend(["auth: {htpasswd: {realm: test, path: ", users.to_str().unwrap(), "}}\n"]);
    }
    text
}

/// An authority, and a certificate for 127.0.0.1 that it has signed.
fn make_certificates(folder: &Path) {
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(folder, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=skep-test -keyout ca.key -out ca.pem");
    openssl(folder, "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout server.key -out server.csr");
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem",
    );
}

#[expect(clippy::disallowed_methods, reason = "the real program makes the certificates of a test")]
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[expect(clippy::disallowed_methods, reason = "the registry is a process of the test")]
fn spawn(configuration: &Path) -> Option<Child> {
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(configuration).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok()
}

/// The endpoint of a proxy in front of an engine's socket that refuses BuildKit.
pub(crate) async fn without_buildkit(socket: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    drop(tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            drop(tokio::spawn(pass_on(client, socket.clone())));
        }
    }));
    endpoint
}

async fn pass_on(mut client: TcpStream, socket: String) -> io::Result<()> {
    let mut beginning = vec![0; 4096];
    let size = client.read(&mut beginning).await?;
    let request = String::from_utf8_lossy(&beginning[..size]);
    let line = request.lines().next().unwrap_or_default();
    if line.contains("/build?") && line.contains("version=2") {
        let body = r#"{"message":"buildkit not supported by daemon"}"#;
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close";
        client.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
        return tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(|_| ());
    }
    let mut engine = UnixStream::connect(socket).await?;
    engine.write_all(&beginning[..size]).await?;
    tokio::io::copy_bidirectional(&mut client, &mut engine).await.map(|_| ())
}

/// A report of the builder in a line.
fn said(report: Report<'_>) -> String {
    match report {
        Report::Begun => "begun".into(),
        Report::Line(line) => line.to_owned(),
        Report::Tested => "tested".into(),
        Report::Pushed { image, new_layers, known_layers } => {
            format!("pushed {image}: {new_layers} new layers, {known_layers} already there")
        }
    }
}
