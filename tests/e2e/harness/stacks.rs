//! Stack files that the tests push.

use super::IMAGE;

/// The settings with which a stack is soon known to be healthy.
pub(crate) const SWIFT: &str = "x-skep: { stable: 1s, deadline: 60s }\n";

/// A stack with one service that does nothing, in this version.
pub(crate) fn quiet(version: &str) -> String {
    format!("{SWIFT}services:\n{}", service("web", &format!("[sleep, \"{version}\"]")))
}

/// A service that runs a command; more of its keys may follow, indented by four spaces.
pub(crate) fn service(name: &str, command: &str) -> String {
    format!(
        "  {name}:
    image: {IMAGE}
    command: {command}
    stop_signal: SIGKILL
    healthcheck: {{ disable: true }}
"
    )
}

/// A command that says something and ends with exit code 3.
pub(crate) const CRASH: &str = r#"[sh, -c, "echo no settings found; exit 3"]"#;
