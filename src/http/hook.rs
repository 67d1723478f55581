//! The socket between Git's `pre-receive` hook and the controller: both ends.
//!
//! The hook sends a question as one line of JSON and then reads messages, one a line, until there is a verdict. A push
//! that is being deployed goes on when the hook goes away. A line without its end was cut, and is never taken for a
//! question. While there is nothing to say, the controller says that it is alive, so that the hook can tell a long
//! build from a controller that is gone; and before it stops, it says so.

use std::future::Future;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use crate::controller::Push;
use crate::text::visible;

/// A request to the controller.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Question {
    /// Whether a controller listens.
    Ping,
    /// Whether this push may be accepted.
    Push(Push),
}

/// A message of the controller to the hook.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    /// A line for the pusher.
    Line(String),
    /// A keep-alive: the controller is working.
    Alive,
    /// The verdict: whether Git may move the branches. The last message.
    Accepted(bool),
}

/// Why there is no verdict. The push is then refused, and can be repeated.
#[derive(Debug, thiserror::Error)]
pub enum NoVerdict {
    /// Nothing listens at the socket.
    #[error("skep is restarting; push again in a moment")]
    Away,
    /// The connection ended before there was a verdict.
    #[error("skep was interrupted; what it had begun goes on when it is back: see `skep status`, or push again")]
    Interrupted,
    /// The controller was silent for too long.
    #[error(
        "skep has not answered in time; what it had begun goes on when it is back: see `skep status`, or push again"
    )]
    TooSlow,
}

/// The most bytes of a request: as many refs as the hook accepts, as JSON.
const MAX_QUESTION: u64 = 4 << 20;
/// The most bytes of one message.
const MAX_MESSAGE: u64 = 64 << 10;
/// The most bytes of a line for the pusher; JSON may need six for one.
const MAX_LINE: usize = 8 << 10;
/// How long the hook may take to send its request, or to read a line.
const IDLE: Duration = Duration::from_secs(30);
/// The timeout of a ping.
const PING: Duration = Duration::from_secs(3);
/// The interval of keep-alives.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The timeout between messages.
const SILENCE: Duration = Duration::from_mins(1);
/// The last line before the controller stops.
const GOING_DOWN: &str = "skep is restarting; what it has begun of this push goes on when it is back: `skep status` shows it, and \
                          `git fetch` when the branch has moved. If neither does, push again";

/// Opens the socket for hooks; only skep's own user may connect. Must be called in a Tokio runtime.
///
/// The socket gets its mode before it gets its name, so that it is never open to others.
pub fn bind(path: &Path) -> std::io::Result<Arc<UnixListener>> {
    let fresh = path.with_extension("new");
    drop(std::fs::remove_file(&fresh));
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(fresh, path)?;
    Ok(Arc::new(listener))
}

/// Answers hooks. `push` is [`Controller::push`](crate::controller::Controller::push), and runs to its end whatever
/// becomes of the hook. When `stop` becomes true, every hook is told that skep is going down. Never ends by itself.
pub async fn listen<P, V>(listener: Arc<UnixListener>, push: P, stop: watch::Receiver<bool>)
where
    P: Fn(Push, mpsc::Sender<String>) -> V + Clone + Send + 'static,
    V: Future<Output = bool> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (push, stop) = (push.clone(), stop.clone());
                tokio::spawn(async move {
                    match answer(stream, push, stop).await {
                        // The push is processed to its end nevertheless.
                        Err(error) if error.kind() == ErrorKind::BrokenPipe => tracing::info!("a pusher is gone"),
                        Err(error) => tracing::warn!(%error, "a push hook could not be answered"),
                        Ok(()) => {}
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

async fn answer<P, V>(stream: UnixStream, push: P, stop: watch::Receiver<bool>) -> std::io::Result<()>
where
    P: Fn(Push, mpsc::Sender<String>) -> V,
    V: Future<Output = bool> + Send + 'static,
{
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    tokio::time::timeout(IDLE, BufReader::new(from.take(MAX_QUESTION)).read_line(&mut line)).await??;
    let push = match understood(&line) {
        Ok(Question::Push(asked)) => |lines| push(asked, lines),
        Ok(Question::Ping) => return send(&mut to, &Message::Accepted(true)).await,
        Err(reason) => {
            send(&mut to, &Message::Line(reason)).await?;
            return send(&mut to, &Message::Accepted(false)).await;
        }
    };
    let (lines, mut said) = mpsc::channel(64);
    let verdict = tokio::spawn(push(lines));
    let stopping = stopping(stop);
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            text = said.recv() => {
                let Some(text) = text else { break };
                for line in text.lines() {
                    send(&mut to, &Message::Line(shortened(line))).await?;
                }
            }
            () = tokio::time::sleep(HEARTBEAT) => send(&mut to, &Message::Alive).await?,
            () = &mut stopping => {
                send(&mut to, &Message::Line(GOING_DOWN.into())).await?;
                return send(&mut to, &Message::Accepted(false)).await;
            }
        }
    }
    send(&mut to, &Message::Accepted(verdict.await.unwrap_or(false))).await
}

/// Returns when skep is told to stop.
async fn stopping(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody can say so any more.
        std::future::pending::<()>().await;
    }
}

fn understood(line: &str) -> Result<Question, String> {
    if !line.ends_with('\n') {
        return Err(format!(
            "error: this push moves more refs than skep takes in one push ({} MiB of names); push fewer refs at once",
            MAX_QUESTION >> 20
        ));
    }
    serde_json::from_str(line)
        .map_err(|error| format!("error: skep does not understand its own hook ({error}); restart skep"))
}

/// A line shortened to fit in a message, with a mark at its end.
fn shortened(line: &str) -> String {
    if line.len() <= MAX_LINE {
        return line.to_owned();
    }
    format!("{} … ({} bytes)", &line[..line.floor_char_boundary(MAX_LINE)], line.len())
}

async fn send(to: &mut (impl AsyncWriteExt + Unpin), message: &Message) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message).map_err(std::io::Error::other)?;
    line.push(b'\n');
    tokio::time::timeout(IDLE, to.write_all(&line)).await?
}

/// Asks the controller whether to accept a push, and passes each line to `say` immediately.
pub async fn ask(socket: &Path, push: Push, say: impl FnMut(&str)) -> Result<bool, NoVerdict> {
    verdict(put(socket, &Question::Push(push)).await?, SILENCE, say).await
}

/// Reads the controller's messages until the verdict or a timeout.
async fn verdict(
    mut from: impl AsyncBufReadExt + Unpin,
    silence: Duration,
    mut say: impl FnMut(&str),
) -> Result<bool, NoVerdict> {
    loop {
        let next = tokio::time::timeout(silence, next(&mut from)).await.map_err(|_| NoVerdict::TooSlow)?;
        match next {
            Some(Message::Line(line)) => say(&visible(&line)),
            Some(Message::Alive) => {}
            Some(Message::Accepted(accepted)) => return Ok(accepted),
            None => return Err(NoVerdict::Interrupted),
        }
    }
}

/// Checks that a controller at the socket responds.
pub async fn ping(socket: &Path) -> Result<(), NoVerdict> {
    let answer = async { next(&mut put(socket, &Question::Ping).await?).await.ok_or(NoVerdict::Interrupted) };
    tokio::time::timeout(PING, answer).await.map_err(|_| NoVerdict::TooSlow)?.map(drop)
}

/// Sends a request; returns the stream of the response.
async fn put(socket: &Path, question: &Question) -> Result<BufReader<UnixStream>, NoVerdict> {
    let mut stream = UnixStream::connect(socket).await.map_err(|_| NoVerdict::Away)?;
    let mut line = serde_json::to_vec(question).map_err(|_| NoVerdict::Interrupted)?;
    line.push(b'\n');
    // If the controller stops reading, it sends the reason.
    drop(stream.write_all(&line).await);
    Ok(BufReader::new(stream))
}

async fn next(from: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Message> {
    let mut line = String::new();
    from.take(MAX_MESSAGE).read_line(&mut line).await.ok()?;
    serde_json::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Notify;

    use super::*;

    fn push() -> Push {
        Push { repository: "shop".into(), user: "ada".into(), updates: vec![], options: vec![], quarantine: None }
    }

    #[tokio::test]
    async fn the_lines_come_and_then_the_verdict() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.sock");
        let listener = tokio::spawn(listen(
            bind(&path).unwrap(),
            |asked: Push, lines| async move {
                lines.send(format!("hello {}\nchecked \u{1b}[2Jfine", asked.user)).await.unwrap();
                true
            },
            watch::channel(false).1,
        ));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let mut said = Vec::new();
        ping(&path).await.unwrap();
        let accepted = ask(&path, push(), |line| said.push(line.to_owned())).await.unwrap();
        assert!(accepted);
        assert_eq!(said, ["hello ada", "checked ^[[2Jfine"]);
        listener.abort();
        assert!(listener.await.unwrap_err().is_cancelled());
        assert!(matches!(ask(&path, push(), |_| {}).await, Err(NoVerdict::Away)));
        assert!(matches!(ping(&path).await, Err(NoVerdict::Away)));
    }

    #[tokio::test]
    async fn a_question_that_is_cut_is_refused_and_a_long_line_is_marked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.sock");
        tokio::spawn(listen(
            bind(&path).unwrap(),
            |_: Push, lines| async move {
                lines.send("é".repeat(MAX_LINE)).await.unwrap();
                true
            },
            watch::channel(false).1,
        ));
        let told = async |push| {
            let mut said = Vec::new();
            let accepted = ask(&path, push, |line| said.push(line.replace(&"é".repeat(MAX_LINE / 2), "é…"))).await;
            format!("{accepted:?} {}", said.join("\n"))
        };
        let update = |name: usize| crate::controller::RefUpdate { name: format!("{name:01000}"), old: None, new: None };
        let large = Push { updates: (0..5000).map(update).collect(), ..push() };
        insta::assert_snapshot!(told(large).await, @"Ok(false) error: this push moves more refs than skep takes in one push (4 MiB of names); push fewer refs at once");
        insta::assert_snapshot!(told(push()).await, @"Ok(true) é… … (16384 bytes)");
    }

    #[tokio::test]
    async fn a_push_goes_on_without_its_hook() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.sock");
        let (begun, gone, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let seen = (Arc::clone(&begun), Arc::clone(&gone), Arc::clone(&done));
        let listener = tokio::spawn(listen(
            bind(&path).unwrap(),
            move |_, lines| {
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
            },
            watch::channel(false).1,
        ));
        let hook = tokio::spawn(async move { ask(&path, push(), |_| {}).await });
        begun.notified().await;
        hook.abort();
        assert!(hook.await.unwrap_err().is_cancelled());
        gone.notify_one();
        done.notified().await;
        listener.abort();
    }

    #[tokio::test]
    async fn whoever_waits_is_told_that_skep_is_going_down_and_the_push_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook.sock");
        let (begun, stopped, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let seen = (Arc::clone(&begun), Arc::clone(&stopped), Arc::clone(&done));
        let build = move |_, lines: mpsc::Sender<String>| {
            let (begun, stopped, done) = seen.clone();
            async move {
                begun.notify_one();
                stopped.notified().await;
                drop(lines);
                done.notify_one();
                true
            }
        };
        let (stop, stopping) = watch::channel(false);
        let listener = tokio::spawn(listen(bind(&path).unwrap(), build, stopping));
        let hook = tokio::spawn(async move {
            let mut said = Vec::new();
            let accepted = ask(&path, push(), |line| said.push(line.to_owned())).await.unwrap();
            (accepted, said)
        });
        begun.notified().await;
        stop.send_replace(true);
        assert_eq!(hook.await.unwrap(), (false, vec![GOING_DOWN.to_owned()]));
        stopped.notify_one();
        done.notified().await;
        listener.abort();
    }

    #[tokio::test]
    async fn a_heartbeat_is_no_line() {
        let (mut controller, hook) = tokio::io::duplex(1024);
        for message in [Message::Alive, Message::Line("built".into()), Message::Accepted(true)] {
            send(&mut controller, &message).await.unwrap();
        }
        let mut said = Vec::new();
        assert!(verdict(BufReader::new(hook), SILENCE, |line| said.push(line.to_owned())).await.unwrap());
        assert_eq!(said, ["built"]);
    }

    #[tokio::test]
    async fn a_controller_that_is_silent_is_not_waited_for_for_ever() {
        let (_controller, hook) = tokio::io::duplex(1024);
        let silent = verdict(BufReader::new(hook), Duration::from_millis(1), |_| {}).await.unwrap_err();
        assert!(matches!(silent, NoVerdict::TooSlow));
    }
}
