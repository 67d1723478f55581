//! Programs that the tests run.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// A program, without what the environment says about proxies and Git.
#[expect(clippy::disallowed_methods, reason = "the one place where the tests start programs")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
}

/// What a program that succeeds prints.
pub(crate) fn output<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    let output = attempt(program, arguments);
    let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What becomes of a program that may fail.
pub(crate) fn attempt<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Output {
    command(program).args(arguments).output().unwrap_or_else(|error| panic!("{program} is not installed: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "the one place where the tests ask where they run")]
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}
