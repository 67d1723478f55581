//! The stack's own checks: which are due, and what an answer means.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::Symptom;
use crate::name::ServiceName;
use crate::stack::Stack;
use crate::stack::check::{Check, HttpProbe, Probe};

/// How many lines of an answer are shown, and how long they are.
const LINES: usize = 5;
const LINE: usize = 200;

/// A check by its service and its place in the service's list.
pub type CheckId = (ServiceName, usize);

/// What came back, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer over HTTP.
    Http {
        /// Its status.
        status: u16,
        /// Where it leads, if it is a redirect that was not followed.
        location: Option<String>,
        /// What it holds, as far as it was read.
        body: String,
    },
    /// A command ended.
    Exit {
        /// With this code.
        code: i64,
        /// What it wrote.
        output: String,
    },
    /// A connection was taken.
    Connected,
    /// Nothing came back, for this reason.
    Nothing(String),
    /// Nobody knows a host of this name.
    NoSuchHost(String),
    /// It was not asked: this is an address that no check may be made at, and what it is.
    Barred(IpAddr, &'static str),
    /// No container of the service runs on the engine.
    NoContainer,
    /// The question was never asked, for this reason.
    NotAsked(String),
    /// The question cannot be asked, and nothing depends on the answer.
    Waived,
}

impl Reply {
    /// Whether nothing was asked, so that nothing is known of the service.
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::NoContainer | Self::NotAsked(_) | Self::Waived)
    }
}

/// What is known of a check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// When it was last made.
    at: Timestamp,
    /// What was wrong with the answer, if anything was.
    fault: Option<Fault>,
    /// How often in a row something was.
    failures: u64,
    /// How many tasks were there of services that are to go, any of which may have answered.
    pub(super) beside: usize,
}

/// What was wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    /// Whether something was asked at all.
    asked: bool,
    /// What was got, and what should have been.
    got: String,
    /// What came with it.
    lines: Vec<String>,
    /// What to do, where to try again does not help.
    remedy: Option<&'static str>,
}

impl Made {
    /// What is known once this has come back.
    pub(super) fn after(before: Option<&Self>, check: &Check, desired: &Stack, reply: &Reply, at: Timestamp) -> Self {
        let fault = fault(check, desired, reply);
        let failures = if fault.is_some() { before.map_or(0, |made| made.failures) + 1 } else { 0 };
        Self { at, fault, failures, beside: 0 }
    }

    /// The same, made beside so many tasks that are to go.
    pub(super) fn beside(self, beside: usize) -> Self {
        Self { beside, ..self }
    }

    /// Whether it is to be made again at `now`, when the stability window ends at `end`.
    pub(super) fn is_due(&self, check: &Check, end: Timestamp, now: Timestamp) -> bool {
        match &self.fault {
            Some(_) => now.duration_since(self.at) >= SignedDuration::from_nanos(check.interval.0),
            None => now >= end && self.at < end,
        }
    }

    /// Whether it passed when the stability window was over.
    pub(super) fn has_passed(&self, end: Timestamp) -> bool {
        self.fault.is_none() && self.at >= end
    }

    /// What it waits for, if the last answer was wrong.
    pub(super) fn waits_for(&self, check: &Check) -> Option<String> {
        self.fault.as_ref().map(|fault| format!("check {check}: {}", fault.got))
    }

    /// The symptom that it is, once trying again does not help.
    pub(super) fn symptom(&self, service: &ServiceName, check: &Check) -> Option<Symptom> {
        let fault = self.fault.as_ref()?;
        let hopeless = fault.remedy.is_some() || self.failures >= check.retries;
        hopeless.then(|| self.told(service, check, fault))
    }

    /// What is wrong with it, at the deadline.
    pub(super) fn overdue(&self, service: &ServiceName, check: &Check) -> Option<Symptom> {
        Some(self.told(service, check, self.fault.as_ref()?))
    }

    fn told(&self, service: &ServiceName, check: &Check, fault: &Fault) -> Symptom {
        let times = if self.failures > 1 { format!(" {} times", self.failures) } else { String::new() };
        let end = if fault.asked { "failed" } else { "could not be made" };
        Symptom {
            service: Some(service.clone()),
            help: fault.remedy.map(str::to_owned),
            log: fault.lines.clone(),
            ..Symptom::whole_stack(format!("the check {check} {end}{times}: {}", fault.got))
        }
    }
}

/// What is wrong with an answer, if anything is.
fn fault(check: &Check, desired: &Stack, reply: &Reply) -> Option<Fault> {
    match (&check.probe, reply) {
        (Probe::Http(probe), Reply::Http { status, location, body }) => {
            http_fault(probe, *status, location.as_deref(), body)
        }
        (_, Reply::Exit { code: 0, .. } | Reply::Connected | Reply::Waived) => None,
        (_, Reply::Exit { code, output }) => Some(Fault::new(exit(*code, output), output)),
        (_, Reply::Http { status, .. }) => Some(Fault::new(format!("status {status}"), "")),
        (_, Reply::Nothing(reason)) => Some(Fault::new(reason.clone(), "")),
        (_, Reply::NotAsked(reason)) => Some(Fault { asked: false, ..Fault::new(reason.clone(), "") }),
        (_, Reply::NoSuchHost(host)) => {
            let of_stack = desired
                .services
                .keys()
                .any(|name| name.as_str() == host || desired.name.scoped(name.as_str()) == *host);
            let remedy = of_stack.then_some(
                "this check is made from where skep runs, and that is not in the stack's networks: ask for a published \
                 port or a public name, or run a `command` in the container",
            );
            Some(Fault { remedy, ..Fault::new(format!("there is no host `{host}`"), "") })
        }
        (_, Reply::Barred(address, what)) => Some(Fault {
            remedy: Some("ask for a published port or a public name, or run a `command` in the container"),
            ..Fault::new(format!("it would go to {address}, {what}, where no check is made"), "")
        }),
        (_, Reply::NoContainer) => Some(Fault {
            asked: false,
            remedy: Some(
                "write it as an `http` or `tcp` check, or constrain the service to the node of that engine \
                 (`deploy.placement.constraints`)",
            ),
            ..Fault::new("no task of the service runs on the engine that skep talks to".into(), "")
        }),
    }
}

fn http_fault(probe: &HttpProbe, status: u16, location: Option<&str>, body: &str) -> Option<Fault> {
    let lacks_text = |text: &&String| !body.contains(text.as_str());
    let got = if !probe.expect.is(status) {
        let leads =
            location.map(|location| format!(", which leads to {}", without_query(location))).unwrap_or_default();
        format!("status {status} instead of {}{leads}", probe.expect)
    } else if let Some(text) = probe.body.as_ref().filter(lacks_text) {
        format!("status {status}, but the answer does not contain `{text}`")
    } else {
        return None;
    };
    // Whose answer it is cannot be told: what the pusher may not read elsewhere is not read to them.
    Some(Fault::new(got, ""))
}

/// An address without what may be a secret in it.
fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}

/// 126 and 127 are what a shell says (POSIX, "Exit Status for Commands"), and Docker after it: 126 for both.
fn exit(code: i64, output: &str) -> String {
    match code {
        126 if !output.contains("not found") => "exit code 126 (the command may not be executed)".into(),
        126 | 127 => format!("exit code {code} (there is no such command in the container)"),
        code => format!("exit code {code}"),
    }
}

impl Fault {
    fn new(got: String, output: &str) -> Self {
        let full = output.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let lines = full.take(LINES).map(|line| line.chars().take(LINE).collect()).collect();
        Self { asked: true, got, lines, remedy: None }
    }
}
