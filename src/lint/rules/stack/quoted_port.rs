use crate::diagnostic::Fix;
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::yaml::{Node, Value};

rule! {
    /// A port stands without quotes.
    ///
    /// skep and Docker read `22:22` as text. Older readers of YAML take it for a number to the base of 60, and get 1342:
    /// editors, converters, other tools. A matter of style, and off unless asked for.
    ///
    /// ```yaml bad
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: [22:22]
    /// ```
    ///
    /// ```yaml good
    /// services:
    ///   web:
    ///     image: nginx:1.27
    ///     ports: ["22:22", 80, 8080:80/udp]
    /// ```
    "SK7001", Style, Stack(check), Off, Fixes
}

fn check(subject: &StackSubject<'_>) -> Vec<Found> {
    let Some(services) = subject.file.tree.get("services") else { return Vec::new() };
    let ports = services.entries().iter().filter_map(|(_, service)| service.get("ports")).flat_map(Node::items);
    ports.filter(|port| is_sexagesimal(port)).take(MAX_LOOKED_AT).filter_map(|port| found(port, subject)).collect()
}

fn is_sexagesimal(port: &Node) -> bool {
    let Value::Scalar { text, plain: true } = &port.value else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once(':')
        .is_some_and(|(one, two)| digits(one) && digits(two) && two.parse().is_ok_and(|two: u32| two < 60))
}

fn found(port: &Node, subject: &StackSubject<'_>) -> Option<Found> {
    let text = port.raw();
    (subject.file.sources.text(&port.span) == text.as_bytes()).then(|| {
        let quoted = format!("\"{text}\"");
        Found::new(&port.span, format!("`{text}` is a number to older readers of YAML"))
            .help(format!("write `{quoted}`"))
            .fix(Fix::safe(format!("write `{quoted}`")).replace(&port.span, quoted))
    })
}
