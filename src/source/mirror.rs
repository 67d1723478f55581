//! A bare mirror of a watched repository.
//!
//! A mirror is a cache: when it is broken, because the process was killed or the disk was full, it is made anew. What
//! is asked of the other side is bounded in time and size. Redirects to another host are refused, so that credentials
//! go only where they were meant to go.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use git2::{AutotagOption, Cred, Direction, ErrorClass, ErrorCode, FetchOptions, Oid, RemoteCallbacks, RemoteRedirect};
use git2::{Repository, RepositoryInitOptions};
use secrecy::ExposeSecret;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::objects::MAX_OBJECT;
use super::{Credentials, Error, Remote, blocking, close, memory};
use crate::name::CommitId;

/// A bare mirror of a watched repository. Cheap to clone; only one clone works at a time.
#[derive(Debug, Clone)]
pub struct Mirror {
    place: Place,
    limits: Limits,
    turn: Arc<Mutex<()>>,
}

/// Limits of a fetch.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes received by one fetch.
    pub bytes: usize,
    /// Objects received by one fetch.
    pub objects: usize,
    /// The longest duration of one operation.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 << 20, objects: 5_000_000, patience: Duration::from_mins(10) }
    }
}

#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    remote: Remote,
    credentials: Option<Credentials>,
}

/// The limits of a running operation.
struct Bounds {
    limits: Limits,
    /// Whether it was given up.
    given_up: Arc<AtomicBool>,
}

/// Why an operation failed: an error of the remote, or a broken mirror.
enum Failure {
    Told(Error),
    Broken(git2::Error),
}

impl Mirror {
    /// The mirror of `url` in the folder `path`, which is created when it is first needed.
    ///
    /// Credentials in the address are used if no others are given.
    pub fn open(path: &Path, url: &str, credentials: Option<Credentials>) -> Result<Self, Error> {
        let (remote, written) = Remote::parse(url)?;
        let place = Place { path: path.to_owned(), remote, credentials: credentials.or(written) };
        set_up();
        if path.exists() {
            close(path);
        }
        Ok(Self { place, limits: Limits::default(), turn: Arc::default() })
    }

    /// The same mirror with other limits.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The bare repository on the disk, for [`read`](fn@super::read).
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// The commit of a branch at the remote. Nothing is fetched.
    pub async fn remote_branch(&self, branch: &str) -> Result<CommitId, Error> {
        let branch = branch.to_owned();
        let found = self.work(move |place, _| look(place, &branch)).await?;
        Ok(commit_id(found))
    }

    /// The commit of a branch when it was last fetched; `None` in a new mirror.
    pub async fn known(&self, branch: &str) -> Result<Option<CommitId>, Error> {
        let branch = branch.to_owned();
        let known = self.work(move |place, _| Ok(last_seen(place, &branch))).await?;
        Ok(known.map(commit_id))
    }

    /// The commit of a branch at the remote, with all of its objects in the mirror. Nothing is fetched
    /// if it already exists.
    pub async fn fetch(&self, branch: &str) -> Result<CommitId, Error> {
        let branch = branch.to_owned();
        let found = self.work(move |place, bounds| bring(place, &branch, bounds)).await?;
        Ok(commit_id(found))
    }

    /// Deletes the mirror, in which an object is missing; it is created again when it is next needed.
    pub async fn discard(&self) -> Result<(), Error> {
        self.work(|place, _| discard(&place.path).map_err(Failure::Told)).await
    }

    /// Runs an operation when no other one runs, and once more with a new mirror if this one is broken.
    ///
    /// libgit2 can be interrupted while it receives, but not while it waits for the network. An operation that is given
    /// up blocks the next one until libgit2's own timeout ends it, so that at most one thread waits for a dead server.
    async fn work<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Fn(&Place, &Bounds) -> Result<T, Failure> + Send + 'static,
    {
        let (place, turn, given_up) = (self.place.clone(), Arc::clone(&self.turn), Arc::new(AtomicBool::new(false)));
        let bounds = Bounds { limits: self.limits, given_up: Arc::clone(&given_up) };
        let done = async move {
            let turn: OwnedMutexGuard<()> = turn.lock_owned().await;
            blocking(move || {
                let _turn = turn;
                repaired(&place, || work(&place, &bounds))
            })
            .await
        };
        tokio::time::timeout(self.limits.patience, done).await.unwrap_or_else(|_| {
            given_up.store(true, Ordering::Relaxed);
            Err(self.too_slow())
        })
    }

    fn too_slow(&self) -> Error {
        let reason = format!("it took longer than {} s", self.limits.patience.as_secs());
        Error::Away { url: self.place.remote.to_string(), reason }
    }
}

fn repaired<T>(place: &Place, work: impl Fn() -> Result<T, Failure>) -> Result<T, Error> {
    let told = |failure| match failure {
        Failure::Told(error) => error,
        Failure::Broken(error) => Error::local(format!("use the mirror of {}", place.remote))(error),
    };
    match work() {
        Err(Failure::Broken(error)) => {
            tracing::warn!(url = %place.remote, reason = error.message(), "the mirror is broken and is made anew");
            discard(&place.path)?;
            work().map_err(told)
        }
        done => done.map_err(told),
    }
}

fn discard(path: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::disk(format!("remove the broken mirror {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// `git ls-remote`, for one branch.
fn look(place: &Place, branch: &str) -> Result<Oid, Failure> {
    let name = full_name(place, branch)?;
    let repository = repository(place)?;
    let mut remote = repository.remote_anonymous(place.remote.as_str()).map_err(Failure::Broken)?;
    let connection =
        remote.connect_auth(Direction::Fetch, Some(callbacks(place)), None).map_err(|error| place.failure(error))?;
    let heads = connection.list().map_err(|error| place.failure(error))?;
    let head = heads.iter().find(|head| head.name() == name);
    head.map(git2::RemoteHead::oid).ok_or_else(|| place.no_branch(branch))
}

/// The commit of the branch when it was last fetched; `None` if the mirror is broken.
fn last_seen(place: &Place, branch: &str) -> Option<Oid> {
    let name = full_name(place, branch).ok()?;
    Repository::open_bare(&place.path).ok()?.refname_to_id(&name).ok()
}

fn bring(place: &Place, branch: &str, bounds: &Bounds) -> Result<Oid, Failure> {
    let wanted = look(place, branch)?;
    let repository = repository(place)?;
    if is_whole(&repository, wanted) {
        return Ok(wanted);
    }
    fetch(place, &repository, branch, bounds)?;
    // The branch may have moved between the two requests; the fetched commit is used.
    let found = repository.refname_to_id(&full_name(place, branch)?).map_err(Failure::Broken)?;
    if is_whole(&repository, found) {
        Ok(found)
    } else {
        Err(Failure::Broken(git2::Error::from_str("it is incomplete")))
    }
}

/// Whether a commit is complete. Packs are stored as a whole or not at all, so checking its tree is enough.
fn is_whole(repository: &Repository, commit: Oid) -> bool {
    repository.find_commit(commit).and_then(|commit| commit.tree()).is_ok()
}

fn fetch(place: &Place, repository: &Repository, branch: &str, bounds: &Bounds) -> Result<(), Failure> {
    let limits = bounds.limits;
    let name = full_name(place, branch)?;
    let excess = Cell::new(false);
    let mut callbacks = callbacks(place);
    callbacks.transfer_progress(|progress| {
        excess.set(progress.received_bytes() > limits.bytes || progress.total_objects() > limits.objects);
        !excess.get() && !bounds.given_up.load(Ordering::Relaxed)
    });
    let mut options = FetchOptions::new();
    options.remote_callbacks(callbacks).follow_redirects(RemoteRedirect::None).download_tags(AutotagOption::None);
    options.update_fetchhead(false);
    let mut remote = repository.remote_anonymous(place.remote.as_str()).map_err(Failure::Broken)?;
    let fetched = remote.fetch(&[format!("+{name}:{name}")], Some(&mut options), None);
    drop(options);
    fetched.map_err(|error| if excess.get() { place.excess(limits) } else { place.failure(error) })
}

/// The mirror's repository, created if it does not exist.
fn repository(place: &Place) -> Result<Repository, Failure> {
    if !place.path.exists() {
        made(&place.path).map_err(Failure::Told)?;
    }
    Repository::open_bare(&place.path).map_err(Failure::Broken)
}

/// Creates it next to its final path and then renames it, so that it is never incomplete.
fn made(path: &Path) -> Result<(), Error> {
    let doing = format!("make the mirror {}", path.display());
    let fresh = path.with_extension("new");
    discard(&fresh)?;
    make(&fresh).map_err(Error::local(doing.as_str()))?;
    close(&fresh);
    std::fs::rename(&fresh, path).map_err(Error::disk(doing))
}

fn make(path: &Path) -> Result<(), git2::Error> {
    let options = &mut RepositoryInitOptions::new();
    let repository = Repository::init_opts(path, options.bare(true).external_template(false).mkpath(true))?;
    let mut config = repository.config()?;
    config.set_str("http.followRedirects", "false")?;
    config.set_bool("core.fsyncObjectFiles", true)
}

fn full_name(place: &Place, branch: &str) -> Result<String, Failure> {
    let name = format!("refs/heads/{branch}");
    if git2::Reference::is_valid_name(&name) { Ok(name) } else { Err(place.no_branch(branch)) }
}

fn callbacks(place: &Place) -> RemoteCallbacks<'_> {
    let mut callbacks = RemoteCallbacks::new();
    let asked = Cell::new(false);
    callbacks.credentials(move |_, _, _| match &place.credentials {
        // libgit2 asks repeatedly while the server refuses.
        Some(credentials) if !asked.replace(true) => {
            Cred::userpass_plaintext(&credentials.user, credentials.token.expose_secret())
        }
        Some(_) => Err(refused("the token is not accepted")),
        None => Err(refused("it asks for a token, and none is set")),
    });
    callbacks
}

fn refused(reason: &str) -> git2::Error {
    git2::Error::new(ErrorCode::Auth, ErrorClass::Callback, reason)
}

impl Place {
    /// What an error of libgit2 means, by its class: `git2::ErrorClass`.
    fn failure(&self, error: git2::Error) -> Failure {
        let (url, reason) = (self.remote.to_string(), error.message().to_owned());
        match (error.code(), error.class()) {
            // libgit2 names the file that it could not use; all other errors concern the remote.
            _ if reason.contains(&*self.path.to_string_lossy()) => Failure::Broken(error),
            (ErrorCode::Auth, _) => Failure::Told(Error::Credentials { url, reason }),
            (_, ErrorClass::NoMemory) => Failure::Told(Error::TooLarge {
                what: format!("a file or another object in the history of {url}"),
                limit: format!("{} MiB", MAX_OBJECT >> 20),
                help: "take it out of the branch that is watched, and fetch it in the Dockerfile instead",
            }),
            (_, ErrorClass::Http) if reason.contains("status code: 403") => {
                Failure::Told(Error::Credentials { url, reason })
            }
            (_, ErrorClass::Http) if reason.contains("status code: 404") => Failure::Told(Error::NoRepository { url }),
            (_, ErrorClass::Net) if reason.starts_with("cannot redirect") => {
                let reason = format!("{reason}: redirects to another host are not followed; write the new address");
                Failure::Told(Error::Address { url, reason })
            }
            (ErrorCode::NotFound, ErrorClass::Repository)
            | (_, ErrorClass::Os | ErrorClass::Filesystem | ErrorClass::Net)
                if self.is_local_and_gone() =>
            {
                Failure::Told(Error::NoRepository { url })
            }
            (_, ErrorClass::Net | ErrorClass::Http | ErrorClass::Ssl | ErrorClass::Os | ErrorClass::Callback) => {
                Failure::Told(Error::Away { url, reason })
            }
            _ => Failure::Broken(error),
        }
    }

    fn is_local_and_gone(&self) -> bool {
        let path = self.remote.as_str();
        let path = path.strip_prefix("file://").unwrap_or(path);
        path.starts_with('/') && Repository::open(path).is_err()
    }

    fn no_branch(&self, branch: &str) -> Failure {
        Failure::Told(Error::NoBranch { place: self.remote.to_string(), branch: branch.to_owned() })
    }

    fn excess(&self, limits: Limits) -> Failure {
        Failure::Told(Error::TooLarge {
            what: format!("the repository {}", self.remote),
            limit: format!("{} MiB and {} objects", limits.bytes >> 20, limits.objects),
            help: "keep large files out of it, or raise the limit",
        })
    }
}

fn commit_id(id: Oid) -> CommitId {
    id.to_string().parse().expect("libgit2 writes an id in hexadecimal digits")
}

/// Makes libgit2 trust the authorities whose certificates are in a PEM file, in addition to the system's. For the whole
/// process, once, before the first mirror is opened.
pub fn trust(authorities: &Path) -> Result<(), Error> {
    #[expect(unsafe_code, reason = "git2 offers libgit2's global settings only so")]
    // SAFETY: libgit2 adds the certificates to its TLS context, and no connection is made yet.
    let trusted = unsafe { git2::opts::set_ssl_cert_file(authorities) };
    trusted.map_err(Error::local(format!("trust the certificates in {}", authorities.display())))
}

/// Sets how long libgit2 waits for a connection and for the next bytes, and how much memory it uses for received data. It
/// has no default limits for the latter two.
fn set_up() {
    static SET: Once = Once::new();
    #[expect(unsafe_code, reason = "git2 offers libgit2's global settings only so")]
    SET.call_once(|| {
        // SAFETY: each stores an integer in a static of libgit2; `Once` keeps it from being written twice at a time,
        // and no connection is made before the first mirror is opened.
        let set = unsafe {
            git2::opts::set_server_connect_timeout_in_milliseconds(15_000)
                .and_then(|()| git2::opts::set_server_timeout_in_milliseconds(60_000))
        };
        set.expect("libgit2 has both settings since 1.7");
        memory::bound();
    });
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::{StatusCode, header};
    use git2::Signature;
    use tempfile::TempDir;
    use tokio::net::TcpListener;

    use super::*;

    /// A repository elsewhere, and a mirror of it.
    struct Sandbox {
        folder: TempDir,
        origin: Repository,
        mirror: Mirror,
    }

    fn sandbox() -> Sandbox {
        let folder = tempfile::tempdir().unwrap();
        let origin = Repository::init_bare(folder.path().join("origin")).unwrap();
        let url = format!("file://{}", folder.path().join("origin").display());
        let mirror = Mirror::open(&folder.path().join("mirrors/shop"), &url, None).unwrap();
        Sandbox { folder, origin, mirror }
    }

    impl Sandbox {
        fn commit(&self, branch: &str, text: &str) -> CommitId {
            self.commit_of(branch, self.origin.blob(text.as_bytes()).unwrap(), text)
        }

        fn commit_of(&self, branch: &str, blob: Oid, text: &str) -> CommitId {
            let origin = &self.origin;
            let mut tree = origin.treebuilder(None).unwrap();
            tree.insert("stack.yml", blob, 0o100_644).unwrap();
            let tree = origin.find_tree(tree.write().unwrap()).unwrap();
            let ada = Signature::now("Ada", "ada@example.com").unwrap();
            let name = format!("refs/heads/{branch}");
            let parent = origin.refname_to_id(&name).ok().map(|id| origin.find_commit(id).unwrap());
            let parents: Vec<_> = parent.iter().collect();
            commit_id(origin.commit(Some(&name), &ada, &ada, text, &tree, &parents).unwrap())
        }

        fn reason(&self, error: &Error) -> String {
            error.to_string().replace(&self.folder.path().display().to_string(), "")
        }
    }

    fn nothing() -> Limits {
        Limits { bytes: 0, ..Limits::default() }
    }

    #[tokio::test]
    async fn what_has_not_moved_is_not_fetched() {
        let sandbox = sandbox();
        let first = sandbox.commit("main", "one");
        assert_eq!(sandbox.mirror.remote_branch("main").await.unwrap(), first);
        assert_eq!(sandbox.mirror.fetch("main").await.unwrap(), first);
        let frugal = sandbox.mirror.clone().limited(nothing());
        assert_eq!(frugal.fetch("main").await.unwrap(), first);

        let second = sandbox.commit("main", "two");
        let error = frugal.fetch("main").await.unwrap_err();
        insta::assert_snapshot!(sandbox.reason(&error), @"the repository file:///origin is larger than the limit of 0 MiB and 5000000 objects; keep large files out of it, or raise the limit");
        assert_eq!(sandbox.mirror.fetch("main").await.unwrap(), second);
        sandbox.origin.reference("refs/heads/main", Oid::from_str(first.as_str()).unwrap(), true, "").unwrap();
        assert_eq!(frugal.fetch("main").await.unwrap(), first);
    }

    #[tokio::test]
    async fn what_is_too_large_in_memory_is_not_fetched() {
        let sandbox = sandbox();
        sandbox.commit("main", "one");
        let size = usize::try_from(MAX_OBJECT).unwrap() + (2 << 20);
        sandbox.commit_of("main", sandbox.origin.blob(&vec![b'x'; size]).unwrap(), "two");
        let error = sandbox.mirror.fetch("main").await.unwrap_err();
        insta::assert_snapshot!(sandbox.reason(&error), @"a file or another object in the history of file:///origin is larger than the limit of 100 MiB; take it out of the branch that is watched, and fetch it in the Dockerfile instead");
    }

    #[tokio::test]
    async fn what_is_not_there_is_named() {
        let sandbox = sandbox();
        sandbox.commit("main", "one");
        for branch in ["other", "../x", "a b", "main:refs/heads/x"] {
            assert!(matches!(sandbox.mirror.fetch(branch).await, Err(Error::NoBranch { .. })), "{branch}");
        }
        let error = sandbox.mirror.remote_branch("dev").await.unwrap_err();
        insta::assert_snapshot!(sandbox.reason(&error), @"file:///origin has no branch `dev`; push it, or name another branch in the settings");
        std::fs::remove_dir_all(sandbox.folder.path().join("origin")).unwrap();
        let error = sandbox.mirror.fetch("main").await.unwrap_err();
        insta::assert_snapshot!(sandbox.reason(&error), @"there is no repository at file:///origin, or the token may not see it; check the address and the token");
    }

    #[tokio::test]
    async fn a_broken_mirror_is_made_anew() {
        let sandbox = sandbox();
        sandbox.commit("main", "one");
        sandbox.mirror.fetch("main").await.unwrap();
        let at = sandbox.mirror.path();
        let breaks: [&dyn Fn(); 4] = [
            &|| std::fs::remove_file(at.join("HEAD")).unwrap(),
            &|| std::fs::remove_dir_all(at.join("objects")).unwrap(),
            &|| std::fs::write(at.join("refs/heads/main.lock"), "").unwrap(),
            &|| std::fs::write(at.join("config"), "[core").unwrap(),
        ];
        for (number, break_it) in breaks.into_iter().enumerate() {
            break_it();
            let newer = sandbox.commit("main", &format!("after {number}"));
            assert_eq!(sandbox.mirror.fetch("main").await.unwrap(), newer, "{number}");
        }
        sandbox.mirror.discard().await.unwrap();
        assert!(!at.exists());
    }

    async fn server(router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address.to_string()
    }

    async fn failure(address: &str, credentials: Option<Credentials>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("http://{address}/shop.git");
        let mirror = Mirror::open(&folder.path().join("m"), &url, credentials).unwrap();
        mirror.fetch("main").await.unwrap_err().to_string().replace(address, "host")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_way_to_fail_over_http_says_what_to_do() {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"x\"")];
        let asks = server(Router::new().fallback(async move || (StatusCode::UNAUTHORIZED, challenge))).await;
        insta::assert_snapshot!(failure(&asks, None).await, @"http://host/shop.git refuses the credentials (it asks for a token, and none is set); give skep a token that may read this repository, and see that it has not expired");
        let forbids = server(Router::new().fallback(async || StatusCode::FORBIDDEN)).await;
        insta::assert_snapshot!(failure(&forbids, None).await, @"http://host/shop.git refuses the credentials (unexpected http status code: 403); give skep a token that may read this repository, and see that it has not expired");
        let fails = server(Router::new().fallback(async || StatusCode::BAD_GATEWAY)).await;
        insta::assert_snapshot!(failure(&fails, None).await, @"http://host/shop.git does not answer: unexpected http status code: 502");
        insta::assert_snapshot!(failure("127.0.0.1:1", None).await, @"http://host/shop.git does not answer: failed to connect to 127.0.0.1: Connection refused");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_redirect_to_another_host_is_refused() {
        let to = [(header::LOCATION, "http://localhost:1/shop.git/info/refs?service=git-upload-pack")];
        let moved = server(Router::new().fallback(async move || (StatusCode::FOUND, to))).await;
        let credentials = Credentials { user: "oauth2".into(), token: "s3cret".into() };
        insta::assert_snapshot!(failure(&moved, Some(credentials)).await, @"cannot fetch from http://host/shop.git: cannot redirect from '127.0.0.1' to 'localhost': redirects to another host are not followed; write the new address");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("http://{}/shop.git", silent.local_addr().unwrap());
        let limits = Limits { patience: Duration::from_millis(50), ..Limits::default() };
        let mirror = Mirror::open(&folder.path().join("m"), &url, None).unwrap().limited(limits);
        assert!(matches!(mirror.fetch("main").await, Err(Error::Away { .. })));
        // The work goes on in its thread; the clones wait for their turn, and are given up in the same way.
        let error = mirror.clone().remote_branch("main").await.unwrap_err();
        assert!(error.may_pass());
        drop(silent);
    }
}
