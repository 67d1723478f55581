//! The `skep` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    skep::cli::run()
}
