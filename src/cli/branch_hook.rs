//! `skep branch-hook`: Git's `proc-receive` hook on the built-in server, run by Git only.
//!
//! Git passes the deployed branches to this hook instead of moving them. skep moves such a branch when the stacks run the
//! commit: it has already done so, or, after `git push -o async`, it will. If Git also moved the branch, it would find it
//! somewhere else than expected, and report a good deploy as a failure.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use super::push_hook::update;
use crate::controller::{RefUpdate, chosen};
use crate::name::CommitId;
use crate::source::server;

/// A capability that the hook accepts if Git offers it.
const OPTIONS: &str = "push-options";
/// The most lines (refs or options) in one section.
const MAX_LINES: usize = 1_000;

/// Runs the hook in the repository of the push.
pub fn run() -> ExitCode {
    match answer(&mut io::stdin().lock(), &mut BufWriter::new(io::stdout().lock()), &here()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Looks up the commit of a branch by its full name.
type At = dyn Fn(&str) -> Option<CommitId>;

/// The branches of a repository.
struct Branches {
    at: Box<At>,
    /// The deployed branch.
    deployed: Option<&'static str>,
}

/// The branches of the repository that Git runs the hook in.
fn here() -> Branches {
    let repository = Path::new(".");
    Branches {
        at: Box::new(|name| server::branch_at(Path::new("."), name)),
        deployed: server::deployed_branch(repository),
    }
}

/// Conducts the protocol (`git help hooks`): reads version and capabilities, refs and options, and writes a report on every
/// ref.
fn answer(git: &mut impl Read, to: &mut impl Write, branches: &Branches) -> io::Result<()> {
    let offered = section(git)?;
    let has_options = offered.iter().any(|line| line.contains(OPTIONS));
    send(to, if has_options { "version=1\0push-options\n" } else { "version=1\n" })?;
    flush(to)?;
    let refs = section(git)?;
    let options = if has_options { section(git)? } else { Vec::new() };
    let updates: Vec<RefUpdate> = refs.iter().filter_map(|line| update(line)).collect();
    let is_async = options.iter().any(|option| option == "async");
    let moved_later = chosen(&updates, branches.deployed).filter(|_| is_async);
    for asked in &updates {
        for line in report(asked, (branches.at)(&asked.name).as_ref(), moved_later) {
            send(to, &line)?;
        }
    }
    flush(to)
}

/// The report on a ref: done by skep, or to be moved by Git like any other ref. `moved_later` is the update that skep
/// carries out when its commit runs.
fn report(asked: &RefUpdate, at: Option<&CommitId>, moved_later: Option<&RefUpdate>) -> Vec<String> {
    let ok = format!("ok {}", asked.name);
    let is_skeps = at == asked.new.as_ref() || moved_later == Some(asked);
    if is_skeps { vec![ok] } else { vec![ok, "option fall-through".to_owned()] }
}

/// The lines up to the next flush packet (`git help protocol-common`).
fn section(git: &mut impl Read) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    while let Some(line) = packet(git)? {
        if lines.len() >= MAX_LINES {
            return Err(io::Error::other("too many lines"));
        }
        lines.push(line);
    }
    Ok(lines)
}

fn packet(git: &mut impl Read) -> io::Result<Option<String>> {
    let mut length = [0; 4];
    git.read_exact(&mut length)?;
    let digits = std::str::from_utf8(&length).map_err(io::Error::other)?;
    let length = usize::from_str_radix(digits, 16).map_err(io::Error::other)?;
    let Some(length) = length.checked_sub(4) else { return Ok(None) };
    let mut line = vec![0; length];
    git.read_exact(&mut line)?;
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned()))
}

fn send(to: &mut impl Write, line: &str) -> io::Result<()> {
    write!(to, "{:04x}{line}", line.len() + 4)
}

fn flush(to: &mut impl Write) -> io::Result<()> {
    to.write_all(b"0000")?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn asked(options: Option<&[&str]>) -> Vec<u8> {
        let (zero, one) = ("0".repeat(40), "1".repeat(40));
        let mut asked = Vec::new();
        send(&mut asked, if options.is_some() { "version=1\0atomic push-options\n" } else { "version=1\n" }).unwrap();
        flush(&mut asked).unwrap();
        send(&mut asked, &format!("{zero} {one} refs/heads/main")).unwrap();
        flush(&mut asked).unwrap();
        for option in options.unwrap_or_default() {
            send(&mut asked, option).unwrap();
        }
        if options.is_some() {
            flush(&mut asked).unwrap();
        }
        asked
    }

    fn said(options: Option<&[&str]>, at: Option<&str>) -> String {
        said_where(options, at, None)
    }

    /// Like `said`, for a repository that deploys this branch.
    fn said_where(options: Option<&[&str]>, at: Option<&str>, deployed: Option<&'static str>) -> String {
        let at: Option<CommitId> = at.map(|digit| digit.repeat(40).parse().unwrap());
        let mut told = Vec::new();
        let branches = Branches { at: Box::new(move |_| at.clone()), deployed };
        answer(&mut asked(options).as_slice(), &mut told, &branches).unwrap();
        String::from_utf8(told).unwrap().replace('\0', " ").replace('\n', "")
    }

    #[test]
    fn a_branch_that_skep_has_moved_or_will_move_is_left_to_skep_and_any_other_to_git() {
        assert_eq!(said(None, Some("1")), "000eversion=100000016ok refs/heads/main0000");
        assert!(said(None, Some("2")).ends_with("ok refs/heads/main0017option fall-through0000"));
        assert!(said(None, None).ends_with("ok refs/heads/main0017option fall-through0000"));
        let options = said(Some(&["async"]), None);
        assert_eq!(options, "001bversion=1 push-options00000016ok refs/heads/main0000");
        let other = said_where(Some(&["async"]), None, Some("refs/heads/master"));
        assert!(other.ends_with("ok refs/heads/main0017option fall-through0000"), "{other}");
    }

    #[test]
    fn what_is_no_conversation_ends_it() {
        for text in ["", "00", "zzzz", "0010short"] {
            let branches = Branches { at: Box::new(|_| None), deployed: None };
            assert!(answer(&mut text.as_bytes(), &mut Vec::new(), &branches).is_err(), "{text}");
        }
    }

    /// Not a test: in the tests of the Git server (`http::tests`), Git runs this function as its hook. The output of the test
    /// runner is redirected, and the hook writes to the descriptor that Git reads.
    #[test]
    #[ignore = "Git runs it, as the hook"]
    fn as_the_hook() {
        let mut to = OpenOptions::new().write(true).open("/dev/fd/3").unwrap();
        answer(&mut io::stdin().lock(), &mut to, &here()).unwrap();
    }
}
