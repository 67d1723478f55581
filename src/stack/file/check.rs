//! `x-skep.check`: a check, or a list of them.

use url::Url;

use super::fields::{Fields, Reader};
use crate::stack::check::{Check, Expect, HttpProbe, Probe};
use crate::stack::yaml::{Node, Value};
use crate::stack::{Mode, Nanos};

/// The shortest interval.
const SHORTEST: Nanos = Nanos(100_000_000);

impl Reader {
    pub(super) fn checks(&mut self, node: &Node, mode: Mode) -> Vec<Check> {
        match &node.value {
            Value::Sequence(items) => items.iter().filter_map(|item| self.check(item, mode)).collect(),
            _ => self.check(node, mode).into_iter().collect(),
        }
    }

    fn check(&mut self, node: &Node, mode: Mode) -> Option<Check> {
        let mut fields = Fields::of(self, node, "check");
        let probe = self.probe(node, &mut fields, mode);
        let timeout = self.length(&mut fields, "timeout", Check::TIMEOUT, Check::LONGEST_TIMEOUT);
        let interval = self.length(&mut fields, "interval", Check::INTERVAL, Nanos::seconds(600));
        let retries = fields.integer(self, "retries");
        if let Some(retries) = retries.as_ref().filter(|retries| retries.value == 0) {
            self.problem(&retries.span, "`retries` must be at least 1", None);
        }
        fields.finish(self);
        let retries = retries.map_or(Check::RETRIES, |retries| retries.value);
        Some(Check { probe: probe?, timeout, interval, retries })
    }

    /// The probe of a check.
    fn probe(&mut self, node: &Node, fields: &mut Fields<'_>, mode: Mode) -> Option<Probe> {
        let (http, command, tcp) = (fields.take("http"), fields.take("command"), fields.take("tcp"));
        let answer = (fields.take("expect"), fields.take("body"));
        match (http, command, tcp) {
            (Some(http), None, None) => self.http_probe(http, answer).map(Probe::Http),
            (None, Some(command), None) => {
                self.only_of_http(answer);
                self.command(command, mode).map(Probe::Command)
            }
            (None, None, Some(tcp)) => {
                self.only_of_http(answer);
                self.address(tcp).map(Probe::Tcp)
            }
            _ => {
                let help =
                    "write one of `http: https://…`, `command: […]` and `tcp: host:port`; for more, a list of checks";
                self.problem(&node.span, "a check tests exactly one thing", help.to_owned());
                None
            }
        }
    }

    fn http_probe(&mut self, node: &Node, (expect, body): (Option<&Node>, Option<&Node>)) -> Option<HttpProbe> {
        let url = self.url(node);
        let expect = expect.map_or(Some(Expect::default()), |node| self.expect(node));
        let body = match body {
            Some(node) => Some(self.string("body", node)?.value),
            None => None,
        };
        Some(HttpProbe { url: url?, expect: expect?, body })
    }

    fn url(&mut self, node: &Node) -> Option<String> {
        let text = self.string("http", node)?;
        match Url::parse(&text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {}
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                let help = "use a public address, such as that of a health endpoint";
                self.problem(&node.span, "the address of a check must not contain a password", help.to_owned());
                return None;
            }
            Ok(_) => return Some(text.value),
            Err(_) => {}
        }
        self.wrong("http", node, "an address", "write it as `https://shop.example.com/health`");
        None
    }

    fn expect(&mut self, node: &Node) -> Option<Expect> {
        let expect = Expect::try_from(node.raw().to_owned()).ok();
        if expect.is_none() {
            self.wrong("expect", node, "a status", "write it as `200`, or as `2xx` for a class of them");
        }
        expect
    }

    /// The command of a check, which jobs cannot have, because their containers end.
    fn command(&mut self, node: &Node, mode: Mode) -> Option<Vec<String>> {
        if matches!(mode, Mode::ReplicatedJob(_) | Mode::GlobalJob) {
            let help = "let the job itself fail; skep waits for its success in any case";
            self.problem(&node.span, "a job leaves no container to run a command in", help.to_owned());
            return None;
        }
        let words = self.words("command", node)?;
        if words.is_empty() {
            self.problem(&node.span, "`command` is empty", None);
            return None;
        }
        Some(words.value)
    }

    fn address(&mut self, node: &Node) -> Option<String> {
        let text = self.string("tcp", node)?;
        let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains(['/', ' ']));
        let port = parts.and_then(|(_, port)| port.parse::<u16>().ok()).filter(|port| *port != 0);
        if port.is_none() {
            self.wrong("tcp", node, "a host and a port", "write it as `db.example.com:5432`");
            return None;
        }
        Some(text.value)
    }

    fn only_of_http(&mut self, answer: (Option<&Node>, Option<&Node>)) {
        for (key, node) in [("expect", answer.0), ("body", answer.1)] {
            if let Some(node) = node {
                let help =
                    "remove it; the exit code of a command must be 0, and a connection must be accepted".to_owned();
                self.problem(&node.span, format!("`{key}` applies to the response to an `http` check"), help);
            }
        }
    }

    fn length(&mut self, fields: &mut Fields<'_>, key: &'static str, default: Nanos, longest: Nanos) -> Nanos {
        let Some(given) = fields.duration_up_to(self, key, Nanos(i64::MAX)) else { return default };
        if !(SHORTEST..=longest).contains(&given.value) {
            let message = format!("`{key}` of a check must be from {SHORTEST} to {longest}, but is {}", given.value);
            self.problem(&given.span, message, None);
        }
        given.value
    }
}
