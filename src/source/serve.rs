//! Git over HTTP, by the real `git http-backend` (a CGI program: RFC 3875, `git help http-backend`).
//!
//! The request body is [received](Server::receive) completely and checked, and the output of Git is streamed to the
//! client. Git is not stopped when the client disconnects: its output is then discarded, and the deploy goes on.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub use super::inspect::Excess;
use super::inspect::inspect;
use super::objects::MAX_OBJECT;
pub use super::receive::{Received, Refused};
use super::server::{DEPLOYED, RepositoryName, Server, Settings, point_head};
use super::{Error, blocking};

/// A request of a Git client.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository.
    pub repository: RepositoryName,
    /// The requested service.
    pub service: Service,
    /// The user.
    pub user: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Encoding`: Git clients compress their requests.
    pub content_encoding: Option<String>,
    /// `Git-Protocol`, such as `version=2`.
    pub protocol: Option<String>,
}

/// A service of Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The refs, before a fetch (`GET info/refs?service=git-upload-pack`).
    RefsToFetch,
    /// The refs, before a push (`GET info/refs?service=git-receive-pack`).
    RefsToPush,
    /// A fetch.
    UploadPack,
    /// A push.
    ReceivePack,
}

/// Git's answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body, streamed.
    pub body: mpsc::Receiver<Bytes>,
}

/// The largest headers of an answer, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// The time in which a client has to read [`LEAST`] bytes.
const MINUTE: Duration = Duration::from_mins(1);
/// The bytes of an answer that a client has to read in each minute in which some are available.
const LEAST: usize = 256 << 10;
/// The largest list of commits that a client has and wants, in bytes; Git's own limit is a little higher
/// (`http.maxRequestBuffer`).
const MAX_WANTS: u64 = 8 << 20;
/// The unpacked objects of a push may be this many times as large as the largest push.
const UNPACKED: u64 = 8;
/// The size in bytes above which Git avoids loading an object into memory.
const BIG: u64 = 16 << 20;

/// Method, file and query of each service (Git's `gitprotocol-http`).
const SERVICES: [(Service, (&str, &str, &str)); 4] = [
    (Service::RefsToFetch, ("GET", "info/refs", "service=git-upload-pack")),
    (Service::RefsToPush, ("GET", "info/refs", "service=git-receive-pack")),
    (Service::UploadPack, ("POST", "git-upload-pack", "")),
    (Service::ReceivePack, ("POST", "git-receive-pack", "")),
];

impl Service {
    /// The service and the repository of a request, by its method, path and query.
    pub fn asked<'a>(method: &str, path: &'a str, query: &str) -> Option<(Self, &'a str)> {
        SERVICES.into_iter().find_map(|(service, (allowed, file, expected))| {
            let name = path.strip_suffix(file)?.strip_suffix('/')?;
            let matches = (allowed, expected) == (method, query);
            matches.then(|| (service, name.strip_suffix(".git").unwrap_or(name)))
        })
    }

    fn call(self) -> (&'static str, &'static str, &'static str) {
        let call = SERVICES.into_iter().find(|(service, _)| *service == self).map(|(_, call)| call);
        call.expect("all of them are listed")
    }
}

impl Answer {
    /// An answer that a Git client shows to its user, and fails.
    pub fn refusal(service: Service, message: &str) -> Self {
        let (kind, body) = match service {
            Service::RefsToPush | Service::ReceivePack => {
                ("receive", format!("{}0000", packet(&format!("\u{3}{message}\n"))))
            }
            Service::RefsToFetch | Service::UploadPack => ("upload", packet(&format!("ERR {message}\n"))),
        };
        let (output, receiver) = mpsc::channel(1);
        // There is room for one.
        drop(output.try_send(body.into()));
        let content_type = format!("application/x-git-{kind}-pack-result");
        Self { status: 200, headers: vec![("Content-Type".to_owned(), content_type)], body: receiver }
    }
}

/// A packet line (Git's `gitprotocol-common`).
fn packet(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

impl Server {
    /// Receives the body of a request, before the request takes one of the places for Git.
    pub async fn receive<B, E>(&self, request: &Request, body: B) -> Result<Option<Received>, Refused>
    where
        B: Stream<Item = Result<Bytes, E>> + Send,
    {
        let limit = match request.service {
            Service::RefsToFetch | Service::RefsToPush => return Ok(None),
            Service::UploadPack => MAX_WANTS,
            Service::ReceivePack => self.settings.max_push,
        };
        self.room.receive(body, request.content_encoding.as_deref(), limit, &self.settings.root).await.map(Some)
    }

    /// Answers a request. `permit` is held until Git is done, which may be long after the client went away.
    pub async fn serve<P>(&self, request: Request, body: Option<Received>, permit: P) -> Result<Answer, Error>
    where
        P: Send + 'static,
    {
        self.ensure_hook()?;
        let (mut stdin, mut room) = (Stdio::null(), Vec::new());
        if let Some(received) = body {
            match self.inspected(&request, received.file).await? {
                Ok(file) => (stdin, room) = (file.into(), received.room),
                Err(excess) => return Ok(Answer::refusal(request.service, &excess.to_string())),
            }
        }
        let child = self.command(&request).stdin(stdin).spawn();
        let child = child.map_err(Error::disk("run `git http-backend`; is Git installed?"))?;
        let (head, answer) = oneshot::channel();
        let (output, body) = mpsc::channel(16);
        let (path, patience, service) = (self.path(&request.repository), self.settings.patience, request.service);
        tokio::spawn(async move {
            let _held = (permit, room);
            attend(child, head, output, patience).await;
            if service == Service::ReceivePack {
                settle(&path).await;
            }
        });
        let (status, headers) = answer.await.map_err(|_| no_answer(&request))?;
        Ok(Answer { status, headers, body })
    }

    /// The body of a request, if it is not too large.
    async fn inspected(&self, request: &Request, mut file: File) -> Result<Result<File, Excess>, Error> {
        if request.service != Service::ReceivePack {
            return Ok(Ok(file));
        }
        let max_unpacked = self.settings.max_push.saturating_mul(UNPACKED).max(MAX_OBJECT);
        let looked = blocking(move || {
            let verdict = inspect(&mut BufReader::with_capacity(64 << 10, &file), max_unpacked)?;
            file.rewind()?;
            Ok(verdict.map(|()| file))
        });
        looked.await.map_err(Error::disk("read what was pushed"))
    }

    /// The command with its own environment, which contains nothing of skep's.
    fn command(&self, request: &Request) -> Command {
        let (method, file, query) = request.service.call();
        #[expect(clippy::disallowed_methods, reason = "the one place where the server runs git, without a shell")]
        let mut command = Command::new("git");
        command.arg("http-backend").env_clear();
        command.envs([
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_HTTP_EXPORT_ALL", "1"),
            // `refs/replace/…` can be pushed, and a replacement of an object by itself would break every push:
            // replacements are ignored.
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("REQUEST_METHOD", method),
            ("QUERY_STRING", query),
            ("REMOTE_USER", &request.user),
            (Settings::REPOSITORY, &request.repository.to_string()),
        ]);
        command.env("PATH_INFO", format!("/{}.git/{file}", request.repository));
        command.env("GIT_PROJECT_ROOT", &self.settings.root).env("HOME", self.home());
        command.env(Settings::SOCKET, self.socket());
        // Without a CONTENT_LENGTH the body is the whole file.
        let given = [("CONTENT_TYPE", &request.content_type), ("GIT_PROTOCOL", &request.protocol)];
        command.envs(given.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))));
        configure(&mut command, &self.configuration());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Git's settings for every call.
    fn configuration(&self) -> Vec<(&'static str, String)> {
        let fixed = [
            ("http.receivepack", "true"),
            ("receive.advertisePushOptions", "true"),
            ("receive.advertiseAtomic", "true"),
            // The controller decides whether a branch may be deleted.
            ("receive.denyDeletes", "false"),
            ("receive.denyDeleteCurrent", "ignore"),
            // Without keepalives, proxies cut off a pusher who waits long, and the pusher cannot tell whether skep is
            // still there.
            ("receive.keepAlive", "2"),
            ("transfer.fsckObjects", "true"),
            // Memory is for other things than for what Git reads twice.
            ("core.deltaBaseCacheLimit", "16m"),
            ("pack.threads", "1"),
            // Pinned refs are neither listed nor can they be pushed to.
            ("transfer.hideRefs", "refs/skep"),
            // The volume may belong to another user than that of skep.
            ("safe.directory", "*"),
        ];
        let mut all: Vec<_> = fixed.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
        all.push(("core.bigFileThreshold", BIG.to_string()));
        all.extend(DEPLOYED.map(|branch| ("receive.procReceiveRefs", branch.to_owned())));
        all.push(("receive.maxInputSize", self.settings.max_push.to_string()));
        all.push(("core.hooksPath", self.hooks().display().to_string()));
        all
    }
}

fn no_answer(request: &Request) -> Error {
    let reason = "`git http-backend` ended without an answer; its message is in skep's log".to_owned();
    Error::Local { doing: format!("serve {}", request.repository), reason }
}

/// Gives settings to Git by environment variables, which the programs that it starts also see (`git help config`).
fn configure(command: &mut Command, settings: &[(&str, String)]) {
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (number, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key).env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
}

type Head = (u16, Vec<(String, String)>);

/// Reads the output of Git to its end, and passes it on while the client reads.
async fn attend(mut child: Child, head: oneshot::Sender<Head>, output: mpsc::Sender<Bytes>, patience: Duration) {
    let stdout = child.stdout.take().expect("it was asked for");
    let stderr = child.stderr.take().expect("it was asked for");
    let work = async {
        let (said, ()) = tokio::join!(complaint(stderr), relay(stdout, head, output));
        (said, child.wait().await)
    };
    match tokio::time::timeout(patience, work).await {
        Ok((said, Ok(status))) if !status.success() => tracing::warn!(%status, said, "git http-backend failed"),
        Ok((said, Err(error))) => tracing::warn!(%error, said, "git http-backend was lost"),
        Ok((said, Ok(_))) => tracing::debug!(said, "git http-backend is done"),
        Err(_) => {
            tracing::warn!(seconds = patience.as_secs(), "git http-backend took too long and is stopped");
            drop(child.kill().await);
        }
    }
}

async fn relay(mut stdout: impl AsyncRead + Unpin, head: oneshot::Sender<Head>, output: mpsc::Sender<Bytes>) {
    let Some((answer, rest)) = read_head(&mut stdout).await else { return };
    let mut client = head.send(answer).is_ok().then_some(output);
    let mut next = Bytes::from(rest);
    let mut buffer = vec![0; 32 << 10];
    let (mut taken, mut left) = (0, MINUTE);
    loop {
        if let Some(output) = &client
            && !next.is_empty()
        {
            let (count, begun) = (next.len(), Instant::now());
            if output.send_timeout(next, left).await.is_err() {
                client = None;
            }
            // Only the time in which Git waits for the client counts.
            (taken, left) = (taken + count, left.saturating_sub(begun.elapsed()));
            if taken >= LEAST {
                (taken, left) = (0, MINUTE);
            }
        }
        match stdout.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => next = Bytes::copy_from_slice(&buffer[..count]),
        }
    }
}

/// The headers of a CGI answer, and the bytes that were read after them.
async fn read_head(stdout: &mut (impl AsyncRead + Unpin)) -> Option<(Head, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Some((parsed(&String::from_utf8_lossy(&read)), rest));
        }
        if read.len() > MAX_HEAD || stdout.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

fn parsed(head: &str) -> Head {
    let mut status = 200;
    let mut headers = Vec::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("status") {
            status = value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(502);
        } else {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    (status, headers)
}

/// The beginning of Git's standard error; all of it is read, so that Git does not block.
async fn complaint(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let room = 4096_usize.saturating_sub(said.len());
        said.extend_from_slice(&buffer[..count.min(room)]);
    }
    String::from_utf8_lossy(&said).trim().to_owned()
}

/// The work after a push.
async fn settle(repository: &Path) {
    let path = repository.to_owned();
    if let Err(error) = blocking(move || point_head(&path)).await {
        tracing::warn!(%error, "a clone of this repository will not check anything out");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells when it is dropped.
    struct Permit(Option<oneshot::Sender<()>>);

    impl Drop for Permit {
        fn drop(&mut self) {
            self.0.take().map(|done| done.send(()));
        }
    }

    fn server(folder: &Path) -> Server {
        let settings = Settings {
            root: folder.join("git"),
            runtime: folder.join("run"),
            push_hook: vec!["false".into()],
            branch_hook: vec!["false".into()],
            max_push: Settings::MAX_PUSH,
            patience: Settings::PATIENCE,
        };
        Server::new(settings).unwrap()
    }

    fn request(service: Service) -> Request {
        Request {
            repository: "shop".parse().unwrap(),
            service,
            user: "ada".into(),
            content_type: Some("application/x-git-receive-pack-request".into()),
            content_encoding: None,
            protocol: None,
        }
    }

    #[tokio::test]
    async fn git_sees_nothing_of_a_push_that_ended_early() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(folder.path());
        let request = request(Service::ReceivePack);
        let body = futures_util::stream::iter([Ok(Bytes::from_static(b"00")), Err("reset by peer")]);
        assert!(matches!(server.receive(&request, body).await, Err(Refused::Cut)));
        let body = futures_util::stream::iter([Ok::<_, &str>(Bytes::from_static(b"00"))]);
        let received = server.receive(&request, body).await.unwrap();
        let (done, ended) = oneshot::channel();
        let mut answer = server.serve(request, received, Permit(Some(done))).await.unwrap();
        let told = answer.body.recv().await.unwrap();
        insta::assert_snapshot!(String::from_utf8_lossy(&told).replace('\u{3}', "<3>"), @"
        006e<3>the push did not arrive as a Git client sends it; push again, and look for a proxy that changes requests
        0000
        ");
        ended.await.unwrap();
    }

    #[tokio::test]
    async fn no_push_is_taken_without_the_hook() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(folder.path());
        std::fs::remove_file(folder.path().join("run/hooks/pre-receive")).unwrap();
        let error = server.serve(request(Service::RefsToPush), None, ()).await.unwrap_err().to_string();
        insta::assert_snapshot!(error.replace(&folder.path().display().to_string(), "FOLDER"), @"cannot run the hook FOLDER/run/hooks/pre-receive: No such file or directory (os error 2); put the setting `runtime` (SKEP_RUNTIME) to a folder that programs may be run from, and restart skep");
    }

    #[test]
    fn a_request_is_about_one_repository() {
        let fetch = Service::asked("GET", "team/shop.git/info/refs", "service=git-upload-pack");
        assert_eq!(fetch, Some((Service::RefsToFetch, "team/shop")));
        assert_eq!(Service::asked("POST", "shop/git-receive-pack", ""), Some((Service::ReceivePack, "shop")));
        assert_eq!(Service::asked("GET", "shop.git/info/refs", ""), None);
        assert_eq!(Service::asked("GET", "shop.git/git-receive-pack", ""), None);
        assert_eq!(Service::asked("GET", "shop.git/objects/info/packs", ""), None);
    }

    #[test]
    fn the_head_of_an_answer_is_understood() {
        let head = "Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\n";
        assert_eq!(parsed(head), (404, vec![("Content-Type".into(), "text/plain".into())]));
        assert_eq!(parsed("Expires: Fri, 01 Jan 1980 00:00:00 GMT\r\n\r\n").0, 200);
    }
}
