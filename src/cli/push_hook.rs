//! `skep push-hook`: Git's `pre-receive` hook on the built-in server, run by Git only.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::input;
use crate::controller::{Push, RefUpdate};
use crate::http::hook::ask;
use crate::name::CommitId;
use crate::text::visible;

/// Asks the controller whether to accept a push, and shows its answer to the pusher.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The controller's socket
    #[arg(long, env = "SKEP_HOOK_SOCKET")]
    socket: PathBuf,
    /// The repository of the push
    #[arg(long, env = "SKEP_REPOSITORY")]
    repository: String,
    /// The user who pushes
    #[arg(long, env = "REMOTE_USER", default_value = "git")]
    user: String,
    /// The folder in which Git keeps the objects until the push is accepted
    #[arg(long, env = "GIT_QUARANTINE_PATH")]
    quarantine: Option<PathBuf>,
}

/// The most bytes that the hook reads from standard input.
const MAX_INPUT: u64 = 1 << 20;
/// The most options of one push.
const MAX_OPTIONS: usize = 64;

/// Runs the hook. Messages go to standard error, which Git shows as `remote:` lines; the exit code is the verdict.
pub async fn run(args: Args) -> ExitCode {
    match verdict(args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn verdict(args: Args) -> anyhow::Result<bool> {
    let input = input::whole(std::io::stdin(), MAX_INPUT).context("push fewer refs at once")?;
    let push = Push {
        repository: args.repository,
        user: args.user,
        updates: updates(&String::from_utf8(input).context("a ref has a name that is not UTF-8; rename it")?)?,
        options: options(variable)?,
        quarantine: args.quarantine,
    };
    Ok(ask(&args.socket, push, say).await?)
}

/// Writes a line immediately, so that the pusher sees it as it happens. It is no error if the pusher is gone.
fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "{}", visible(line)).and_then(|()| stderr.flush()));
}

/// Parses Git's input to the hook: `old new ref` on each line (`git help hooks`). An unterminated last line is
/// truncated input.
fn updates(input: &str) -> anyhow::Result<Vec<RefUpdate>> {
    anyhow::ensure!(input.is_empty() || input.ends_with('\n'), "the list of refs was truncated; push again");
    input.lines().map(|line| update(line).with_context(|| format!("not understood: `{line}`"))).collect()
}

pub(super) fn update(line: &str) -> Option<RefUpdate> {
    let mut words = line.splitn(3, ' ');
    let (old, new, name) = (words.next()?, words.next()?, words.next()?);
    // Git writes zeros for a ref that does not exist.
    let there = |id: &CommitId| id.as_str().bytes().any(|digit| digit != b'0');
    let (old, new): (CommitId, CommitId) = (old.parse().ok()?, new.parse().ok()?);
    Some(RefUpdate { name: name.to_owned(), old: Some(old).filter(there), new: Some(new).filter(there) })
}

/// The options of `git push -o`; an error unless there are exactly as many as Git announces.
fn options(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Vec<String>> {
    let count = variable("GIT_PUSH_OPTION_COUNT").map_or(Ok(0_usize), |count| count.parse())?;
    anyhow::ensure!(count <= MAX_OPTIONS, "a push has {MAX_OPTIONS} options at most, and this one has {count}");
    let option = |number| {
        variable(&format!("GIT_PUSH_OPTION_{number}"))
            .with_context(|| format!("push option {} is not UTF-8", number + 1))
    };
    (0..count).map(option).collect()
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "Git passes push options in one variable each")]
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn what_git_writes_is_understood() {
        let (zero, one) = ("0".repeat(40), "1".repeat(40));
        let read = updates(&format!("{zero} {one} refs/heads/new\n{one} {zero} refs/heads/old\n")).unwrap();
        let commit: CommitId = one.parse().unwrap();
        assert_eq!((&read[0].old, &read[0].new), (&None, &Some(commit.clone())));
        assert_eq!((&read[1].old, &read[1].new, read[1].name.as_str()), (&Some(commit), &None, "refs/heads/old"));
        assert!(updates("what\n").is_err());
        let cut = updates(&format!("{zero} {one} refs/heads/ma")).unwrap_err();
        insta::assert_snapshot!(cut, @"the list of refs was truncated; push again");
    }

    #[test]
    fn every_option_counts_or_the_push_is_refused() {
        let given = |count: usize| {
            options(move |name| match name.strip_prefix("GIT_PUSH_OPTION_")? {
                "COUNT" => Some(count.to_string()),
                "1" => None,
                _ => Some("async".into()),
            })
        };
        assert_eq!(options(|_| None).unwrap(), Vec::<String>::new());
        assert_eq!(given(1).unwrap(), ["async"]);
        insta::assert_snapshot!(given(2).unwrap_err(), @"push option 2 is not UTF-8");
        insta::assert_snapshot!(given(65).unwrap_err(), @"a push has 64 options at most, and this one has 65");
    }

    #[derive(Parser)]
    struct Hook {
        #[command(flatten)]
        args: Args,
    }

    /// Not a test: in the tests of the Git server (`http::tests`), Git runs this function as its hook.
    #[tokio::test]
    #[ignore = "Git runs it, as the hook"]
    async fn as_the_hook() {
        let hook = Hook::parse_from(["push-hook"]);
        assert_eq!(run(hook.args).await, ExitCode::SUCCESS, "refused");
    }
}
