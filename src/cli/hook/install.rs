//! `skep hook install`: writes a small script that runs the hook to the place where Git or a forge expects it.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::cli::{output, trouble};

/// `skep hook install`
#[derive(Debug, Args)]
pub(super) struct Install {
    /// The repository, its `custom_hooks`, or the `pre-receive.d` of a whole server
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// The line that marks a hook as skep's.
const MARK: &str = "# Made by `skep hook install`; delete the file to remove it.";

/// A hook and the path of its script.
struct Place {
    file: PathBuf,
    hook: &'static str,
}

impl Install {
    /// Exit code 0: installed; 1: another hook exists; 2: the script could not be written.
    pub(super) fn run(&self) -> ExitCode {
        match self.installed() {
            Ok(code) => code,
            Err(error) => {
                trouble::tell(&error);
                ExitCode::from(2)
            }
        }
    }

    fn installed(&self) -> anyhow::Result<ExitCode> {
        let Place { file, hook } = place(&self.path)?;
        let script = script(hook)?;
        match std::fs::read_to_string(&file) {
            Ok(text) if text == script => output::line(&format!("{} already exists", file.display())),
            Ok(text) if !text.contains(MARK) => {
                output::line(&format!("error: {} is another hook and was not changed", file.display()));
                output::line(&format!(
                    "hint: make it run `skep hook {hook}` with its own standard input, and exit with that exit code"
                ));
                return Ok(ExitCode::FAILURE);
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
            Ok(_) | Err(_) => {
                write(&file, &script).with_context(|| format!("cannot write {}", file.display()))?;
                output::line(&format!("installed {}", file.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Determines the hook for a path by what exists there.
fn place(path: &Path) -> anyhow::Result<Place> {
    let pre_receive = |file: PathBuf| Ok(Place { file, hook: "pre-receive" });
    let has = |name: &str| path.join(name).exists();
    let is_called = |name: &str| path.file_name().is_some_and(|last| last == name);
    if is_called("pre-receive.d") && path.is_dir() {
        return pre_receive(path.join("skep"));
    }
    if is_called("custom_hooks") && path.is_dir() {
        return pre_receive(path.join("pre-receive.d/skep"));
    }
    if has("custom_hooks") {
        return pre_receive(path.join("custom_hooks/pre-receive.d/skep"));
    }
    if has("hooks/pre-receive.d") {
        return pre_receive(path.join("hooks/pre-receive.d/skep"));
    }
    if has("HEAD") && has("objects") {
        return pre_receive(path.join("hooks/pre-receive"));
    }
    let hooks = crate::source::pushed::hooks(path).with_context(|| {
        format!("{} is not a repository; give a bare repository, a work tree, or a `pre-receive.d`", path.display())
    })?;
    Ok(Place { file: hooks.join("pre-commit"), hook: "pre-commit" })
}

fn script(hook: &str) -> anyhow::Result<String> {
    let skep = std::env::current_exe().context("cannot determine the path of skep")?;
    let skep = skep.to_str().context("the path of skep is not UTF-8")?;
    let quoted = shlex::try_quote(skep).context("the path of skep has a NUL in it")?;
    Ok(format!("#!/bin/sh\n{MARK}\nexec {quoted} hook {hook}\n"))
}

fn write(file: &Path, script: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, script)?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
}
