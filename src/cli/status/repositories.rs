//! The watched repositories: a line each, and the problems of those that are not up to date.

use jiff::{SignedDuration, Timestamp};

use crate::cli::ps::age;
use crate::cli::table::{Cell, table};
use crate::cli::workspace::painted;
use crate::plan::Color;
use crate::release::{Handled, Upstream};

/// The age of the last recorded poll after which nobody seems to poll: it is recorded every five minutes.
const SILENCE: SignedDuration = SignedDuration::from_mins(20);

/// The table, with the first line of each repository's problem.
pub(super) fn of(upstreams: &[Upstream], now: Timestamp, color: Color) -> String {
    let rows: Vec<[Cell; 6]> = upstreams.iter().map(|upstream| row(upstream, now)).collect();
    table(["REPOSITORY", "BRANCH", "STATE", "COMMIT", "FETCHED", "REMARK"], &rows, color)
}

/// Each repository with all its problems.
pub(in crate::cli) fn in_detail(upstreams: &[Upstream], now: Timestamp, color: Color) -> String {
    upstreams.iter().map(|upstream| detail(upstream, now, color).join("\n")).collect::<Vec<_>>().join("\n\n")
}

/// The details of a repository.
pub(super) fn detail(upstream: &Upstream, now: Timestamp, color: Color) -> Vec<String> {
    let (word, ansi) = state(upstream);
    let commit = upstream.commit.as_ref().map(|commit| format!(" at {}", commit.short())).unwrap_or_default();
    let looked = looked(upstream, now).map_or_else(|| "not fetched yet".into(), |age| format!("fetched {age} ago"));
    let head = format!(
        "{}: {}, {} {}{commit}, {looked}",
        painted(&upstream.repository.to_string(), "1", color),
        painted(word, ansi, color),
        upstream.url,
        upstream.branch
    );
    let lines = complaints(upstream, now).into_iter().map(|line| format!("  {line}"));
    std::iter::once(head).chain(lines).collect()
}

fn row(upstream: &Upstream, now: Timestamp) -> [Cell; 6] {
    let (word, ansi) = state(upstream);
    let complaints = complaints(upstream, now);
    [
        Cell::painted(upstream.repository.to_string(), "1"),
        upstream.branch.as_str().into(),
        Cell::painted(word, ansi),
        upstream.commit.as_ref().map_or("-", |commit| commit.short()).into(),
        looked(upstream, now).unwrap_or_else(|| "-".into()).into(),
        complaints.first().map(String::as_str).unwrap_or_default().into(),
    ]
}

fn state(upstream: &Upstream) -> (&'static str, &'static str) {
    let ansi = match (&upstream.trouble, &upstream.handled) {
        (None, Handled::Runs) => "32",
        (None, Handled::Pending | Handled::Underway) => "33",
        _ => "31",
    };
    (upstream.word(), ansi)
}

fn looked(upstream: &Upstream, now: Timestamp) -> Option<String> {
    Some(age(now.duration_since(upstream.looked?)))
}

fn complaints(upstream: &Upstream, now: Timestamp) -> Vec<String> {
    let is_silent = upstream.trouble.is_none() && upstream.looked.is_some_and(|at| now.duration_since(at) >= SILENCE);
    let silence = is_silent.then(|| "it is no longer polled: does skep run?".to_owned());
    silence.into_iter().chain(upstream.complaint(now)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use insta::assert_snapshot;

    use super::*;
    use crate::release::Remedy;

    #[test]
    fn a_repository_that_is_not_up_to_date_says_why() {
        let start = Timestamp::UNIX_EPOCH;
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        let new = |name: &str| Upstream::new(name.into(), &format!("https://example.com/{name}.git"), "main");
        let mut all: Vec<Upstream> = ["good", "away", "broken", "later", "new", "silent"].map(new).into();
        for upstream in all.iter_mut().filter(|it| it.repository.name() != "new") {
            let looked = if upstream.repository.name() == "silent" { 0 } else { 1980 };
            upstream.found(&"1".repeat(40).parse().unwrap(), at(looked));
            upstream.handled = Handled::Runs;
        }
        all[1].failed_to_look(
            "https://example.com/away.git does not answer: 503",
            Remedy::Time,
            Duration::from_mins(1),
            at(1995),
        );
        let findings =
            ["stack.yml:4:16: error[SK1003]: there is no network `front` in this file", "  4 |  networks: [front]"];
        all[2].refused(&findings.map(str::to_owned), at(1990));
        all[3].failed(&["later was not deployed: the image `app:2` cannot be found".into()], 0, true, at(1990));
        assert_snapshot!(of(&all, at(2000), Color::Never), @"
        REPOSITORY  BRANCH  STATE       COMMIT   FETCHED  REMARK
        good        main    up to date  1111111  20 s
        away        main    failing     1111111  20 s     https://example.com/away.git does not answer: 503 (1 look has failed in 5 s; tried again now)
        broken      main    refused     1111111  20 s     stack.yml:4:16: error[SK1003]: there is no network `front` in this file
        later       main    failed      1111111  20 s     later was not deployed: the image `app:2` cannot be found
        new         main    new         -        -
        silent      main    up to date  1111111  33 min   it is no longer polled: does skep run?
        ");
        assert_snapshot!(in_detail(&all[1..4], at(2000), Color::Never), @"
        away: failing, https://example.com/away.git main at 1111111, fetched 20 s ago
          https://example.com/away.git does not answer: 503 (1 look has failed in 5 s; tried again now)

        broken: refused, https://example.com/broken.git main at 1111111, fetched 20 s ago
          stack.yml:4:16: error[SK1003]: there is no network `front` in this file
            4 |  networks: [front]

        later: failed, https://example.com/later.git main at 1111111, fetched 20 s ago
          later was not deployed: the image `app:2` cannot be found
          tried again in 20 s
        ");
    }
}
