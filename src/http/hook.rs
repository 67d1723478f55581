//! The socket between Git's `pre-receive` hook and the controller: both of its ends.
//!
//! The hook sends the [`Push`] as one line of JSON and then reads messages, one a line, until there is a verdict. A
//! push that is being deployed goes on when the hook goes away.

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::controller::Push;

/// What the controller tells the hook.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    /// Something for the person who pushes.
    Line(String),
    /// Whether Git may move the branches; the last message.
    Accepted(bool),
}

/// Why there is no verdict. The push is refused then; it can be made again.
#[derive(Debug, thiserror::Error)]
pub enum NoVerdict {
    /// There is nobody at the socket.
    #[error("skep is restarting; push again in a moment")]
    Away,
    /// The connection ended before there was a verdict.
    #[error("skep was interrupted; what it had begun goes on if it can. Push again to see how it stands")]
    Interrupted,
    /// There was none for longer than a deploy may take.
    #[error("skep has said nothing for an hour; see its log")]
    TooSlow,
}

/// Bytes in a push, at most: some ten thousand refs.
const MAX_PUSH: u64 = 2 << 20;
/// Bytes in one message, at most.
const MAX_MESSAGE: u64 = 64 << 10;
/// How long the hook may take to say what is pushed, or to take a line.
const IDLE: Duration = Duration::from_secs(30);
/// How long there may be no message.
const SILENCE: Duration = Duration::from_hours(1);

/// Listens for hooks; only skep's own user may connect. `push` is [`Controller::push`](crate::controller::Controller::push),
/// and runs to its end whatever becomes of the hook. Must be called in a Tokio runtime; ends when it is dropped.
pub async fn listen<P, V>(path: PathBuf, push: P) -> std::io::Result<()>
where
    P: Fn(Push, mpsc::Sender<String>) -> V + Clone + Send + 'static,
    V: Future<Output = bool> + Send + 'static,
{
    let listener = bind(&path)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let push = push.clone();
                tokio::spawn(async move {
                    if let Err(error) = answer(stream, push).await {
                        tracing::warn!(%error, "a push hook could not be answered");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a push hook");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The socket gets its mode before it gets its name, so that it is never open to others.
fn bind(path: &Path) -> std::io::Result<UnixListener> {
    let fresh = path.with_extension("new");
    drop(std::fs::remove_file(&fresh));
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(fresh, path)?;
    Ok(listener)
}

async fn answer<P, V>(stream: UnixStream, push: P) -> std::io::Result<()>
where
    P: Fn(Push, mpsc::Sender<String>) -> V,
    V: Future<Output = bool> + Send + 'static,
{
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    tokio::time::timeout(IDLE, BufReader::new(from.take(MAX_PUSH)).read_line(&mut line)).await??;
    let Ok(asked) = serde_json::from_str(&line) else {
        send(&mut to, &Message::Line("this push has too many refs for skep; push fewer at once".into())).await?;
        return send(&mut to, &Message::Accepted(false)).await;
    };
    let (lines, mut said) = mpsc::channel(64);
    let verdict = tokio::spawn(push(asked, lines));
    while let Some(line) = said.recv().await {
        send(&mut to, &Message::Line(line)).await?;
    }
    send(&mut to, &Message::Accepted(verdict.await.unwrap_or(false))).await
}

async fn send(to: &mut (impl AsyncWriteExt + Unpin), message: &Message) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message).map_err(std::io::Error::other)?;
    line.push(b'\n');
    tokio::time::timeout(IDLE, to.write_all(&line)).await?
}

/// Asks the controller whether a push may be accepted; each line it says goes to `say` at once.
pub async fn ask(socket: &Path, push: &Push, mut say: impl FnMut(&str)) -> Result<bool, NoVerdict> {
    let stream = UnixStream::connect(socket).await.map_err(|_| NoVerdict::Away)?;
    let (from, mut to) = stream.into_split();
    let mut asked = serde_json::to_vec(push).map_err(|_| NoVerdict::Interrupted)?;
    asked.push(b'\n');
    // When it does not read to the end, it says why.
    drop(to.write_all(&asked).await);
    let mut from = BufReader::new(from);
    loop {
        let next = tokio::time::timeout(SILENCE, next(&mut from)).await.map_err(|_| NoVerdict::TooSlow)?;
        match next {
            Some(Message::Line(line)) => line.lines().map(printable).for_each(|line| say(&line)),
            Some(Message::Accepted(accepted)) => return Ok(accepted),
            None => return Err(NoVerdict::Interrupted),
        }
    }
}

async fn next(from: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Message> {
    let mut line = String::new();
    from.take(MAX_MESSAGE).read_line(&mut line).await.ok()?;
    serde_json::from_str(&line).ok()
}

/// A line may be of a container's log: nothing in it may move the cursor of the person who reads it.
fn printable(line: &str) -> String {
    line.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;

    fn push() -> Push {
        Push { repository: "shop".into(), user: "ada".into(), updates: vec![], options: vec![], quarantine: None }
    }

    /// Waits for the listener, which has bound its socket when there is a file.
    async fn bound(path: &Path) {
        while !path.exists() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn the_lines_come_and_then_the_verdict() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.sock");
        let listener = tokio::spawn(listen(path.clone(), |asked: Push, lines| async move {
            lines.send(format!("hello {}\nchecked \u{1b}[2Jfine", asked.user)).await.unwrap();
            true
        }));
        bound(&path).await;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let mut said = Vec::new();
        let accepted = ask(&path, &push(), |line| said.push(line.to_owned())).await.unwrap();
        assert!(accepted);
        assert_eq!(said, ["hello ada", "checked [2Jfine"]);
        listener.abort();
        assert!(listener.await.unwrap_err().is_cancelled());
        assert!(matches!(ask(&path, &push(), |_| {}).await, Err(NoVerdict::Away)));
    }

    #[tokio::test]
    async fn a_push_goes_on_without_its_hook() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.sock");
        let (begun, gone, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let seen = (Arc::clone(&begun), Arc::clone(&gone), Arc::clone(&done));
        let listener = tokio::spawn(listen(path.clone(), move |_, lines| {
            let (begun, gone, done) = seen.clone();
            async move {
                begun.notify_one();
                gone.notified().await;
                // Nobody reads them any more: sending fails or not, and the push goes on.
                for _ in 0..200 {
                    drop(lines.send("still here".into()).await);
                }
                done.notify_one();
                true
            }
        }));
        bound(&path).await;
        let hook = tokio::spawn(async move { ask(&path, &push(), |_| {}).await });
        begun.notified().await;
        hook.abort();
        assert!(hook.await.unwrap_err().is_cancelled());
        gone.notify_one();
        done.notified().await;
        listener.abort();
    }
}
