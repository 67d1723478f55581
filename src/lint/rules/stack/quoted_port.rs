use crate::diagnostic::Fix;
use crate::lint::rule::{Found, MAX_LOOKED_AT, rule};
use crate::lint::subject::StackSubject;
use crate::stack::yaml::{Node, Value};

rule! {
    /// A port is written without quotes.
    ///
    /// skep and Docker read `22:22` as text. Older YAML parsers, in editors, converters and other tools, read it as a number in base 60,
    /// 1342. A matter of style, and off by default.
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
        Found::new(&port.span, format!("`{text}` is a number for older YAML parsers"))
            .help(format!("write `{quoted}`"))
            .fix(Fix::safe(format!("write `{quoted}`")).replace(&port.span, quoted))
    })
}
