//! The stack's own checks: which are due, and the evaluation of their results.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::Symptom;
use crate::name::ServiceName;
use crate::stack::Stack;
use crate::stack::check::{Check, HttpProbe, Probe};

/// The most lines shown of an output, and their length.
const LINES: usize = 5;
const LINE: usize = 200;

/// The identity of a check: its service, and its index in the service's list.
pub type CheckId = (ServiceName, usize);

/// The raw result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An HTTP response.
    Http {
        /// Its status.
        status: u16,
        /// The target of a redirect that was not followed.
        location: Option<String>,
        /// Its body, as far as it was read.
        body: String,
    },
    /// A command ended.
    Exit {
        /// Its exit code.
        code: i64,
        /// Its output.
        output: String,
    },
    /// A connection was accepted.
    Connected,
    /// No response, for this reason.
    Nothing(String),
    /// The host does not resolve.
    NoSuchHost(String),
    /// Not made, because checks may not connect to this address, with its kind.
    Barred(IpAddr, &'static str),
    /// No container of the service runs on the engine.
    NoContainer,
    /// The check could not be made, for this reason.
    NotAsked(String),
    /// The check cannot be made, and its result does not matter.
    Waived,
}

impl Reply {
    /// Whether the check was not made, so nothing is known about the service.
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::NoContainer | Self::NotAsked(_) | Self::Waived)
    }
}

/// The state of a check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// When it was last made.
    at: Timestamp,
    /// The fault of the result, if any.
    fault: Option<Fault>,
    /// The number of consecutive failures.
    failures: u64,
    /// The number of tasks of services to be removed, any of which may have responded.
    pub(super) beside: usize,
}

/// The fault of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    /// Whether the check was made at all.
    asked: bool,
    /// The actual and the expected result.
    got: String,
    /// Lines of output.
    lines: Vec<String>,
    /// The remedy, if a retry does not help.
    remedy: Option<&'static str>,
}

impl Made {
    /// The state after this result.
    pub(super) fn after(before: Option<&Self>, check: &Check, desired: &Stack, reply: &Reply, at: Timestamp) -> Self {
        let fault = fault(check, desired, reply);
        let failures = if fault.is_some() { before.map_or(0, |made| made.failures) + 1 } else { 0 };
        Self { at, fault, failures, beside: 0 }
    }

    /// Adds the number of tasks of services to be removed.
    pub(super) fn beside(self, beside: usize) -> Self {
        Self { beside, ..self }
    }

    /// Whether it is due at `now`, if the stability window ends at `end`.
    pub(super) fn is_due(&self, check: &Check, end: Timestamp, now: Timestamp) -> bool {
        match &self.fault {
            Some(_) => now.duration_since(self.at) >= SignedDuration::from_nanos(check.interval.0),
            None => now >= end && self.at < end,
        }
    }

    /// Whether it passed after the end of the stability window.
    pub(super) fn has_passed(&self, end: Timestamp) -> bool {
        self.fault.is_none() && self.at >= end
    }

    /// What it waits for, if the last result was wrong.
    pub(super) fn waits_for(&self, check: &Check) -> Option<String> {
        self.fault.as_ref().map(|fault| format!("check {check}: {}", fault.got))
    }

    /// The symptom, once retries do not help.
    pub(super) fn symptom(&self, service: &ServiceName, check: &Check) -> Option<Symptom> {
        let fault = self.fault.as_ref()?;
        let hopeless = fault.remedy.is_some() || self.failures >= check.retries;
        hopeless.then(|| self.told(service, check, fault))
    }

    /// The symptom at the deadline.
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

/// The fault of a result, if any.
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
    // The response may come from anything, including pages that the pusher must not read.
    Some(Fault::new(got, ""))
}

/// An address without its query, which may contain secrets.
fn without_query(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
}

/// The meaning of an exit code. Shells use 126 and 127 (POSIX, "Exit Status for Commands"), Docker uses 126 for both.
fn exit(code: i64, output: &str) -> String {
    match code {
        126 if !output.contains("not found") => "exit code 126 (the command is not executable)".into(),
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
