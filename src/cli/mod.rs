//! One file per command.
//!
//! Commands read the swarm and its records through the Docker API, and few need a controller. If there is one, it carries
//! out the changes of a stack (`performer.rs`). Results go to standard output, everything else to standard error.

mod adopt;
mod again;
pub mod branch_hook;
mod build_log;
mod completions;
mod deploy;
mod explain;
mod heal;
mod healthcheck;
mod history;
mod hook;
mod input;
mod lint;
mod live;
mod logins;
mod logs;
mod lsp;
mod mistyped;
mod output;
mod performer;
mod plan;
mod ps;
pub mod push_hook;
mod remove;
mod render;
mod request;
mod rollback;
mod rolling;
mod rules;
mod serve;
mod stack_deploy;
mod status;
mod sync;
mod table;
mod terminal;
mod trouble;
mod variables;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::Settings;
use output::{ColorChoice, FindingsFormat, Format};

/// GitOps for Docker Swarm: `git push` deploys, and a release that does not become healthy is rolled back.
#[derive(Debug, Parser)]
#[command(name = "skep", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

impl Cli {
    /// Accepts linter settings given as for hadolint: `skep lint --config .hadolint.yaml`.
    fn settle_config(&mut self) {
        if let Command::Lint(lint) = &mut self.command {
            lint.take_settings(&mut self.common.config);
        }
    }

    /// Selects the requested format; exits with an error if the command does not support it.
    fn settle_format(&mut self) {
        let Some(asked) = self.common.findings else { return };
        match asked.for_any_command() {
            Some(format) => self.common.format = format,
            None if matches!(self.command, Command::Lint(_)) => {}
            None => Self::command().error(ErrorKind::InvalidValue, "only `skep lint` writes this format").exit(),
        }
    }
}

/// The options of every command.
#[derive(Debug, Args)]
struct Common {
    /// Settings file [default: /etc/skep/skep.yml if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`
    #[arg(long, short = 'H', global = true, value_name = "URL")]
    host: Option<String>,
    /// Output format; formats other than human and json are for `lint` only [default: human]
    #[arg(long = "format", global = true, value_enum, value_name = "FORMAT")]
    findings: Option<FindingsFormat>,
    /// The selected format, if it is one that every command supports.
    #[arg(skip)]
    format: Format,
    /// When to colour results
    #[arg(long, global = true, value_enum, default_value_t)]
    color: ColorChoice,
}

impl Common {
    fn settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::load(self.config.as_deref())?;
        if let Some(host) = &self.host {
            settings.docker_host.clone_from(host);
        }
        Ok(settings)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the controller: watch repositories, accept pushes, deploy
    Serve(serve::Serve),
    /// Check Dockerfiles and stack files (exit code 0: clean, 1: findings, 2: it could not run)
    Lint(lint::Lint),
    /// Check pushes or commits, as a hook of any Git server
    Hook(hook::Hook),
    /// Run the linter for an editor, as a language server over standard input and output
    Lsp(lsp::Lsp),
    /// List all rules
    Rules(rules::Rules),
    /// Explain a rule, or list all rules
    Explain(explain::Explain),
    /// Print the Compose file that would be deployed
    Render(render::Render),
    /// Show what a deploy would change (exit code 0: no changes, 2: changes, 1: refused, or an error)
    Plan(plan::Plan),
    /// Deploy a folder, with the same gate and rollback as a push (exit code 0: it runs, 1: it does not)
    Deploy(deploy::Deploy),
    /// Show what runs, the last attempt, and drift
    Status(status::Status),
    /// Fetch watched repositories now, and deploy new commits (exit code 0: the newest commits run, 1: they do not)
    Sync(sync::Sync),
    /// Show the output of the tasks of a stack, or the log of its build
    Logs(logs::Logs),
    /// Show the tasks of a stack
    Ps(ps::Ps),
    /// Show the releases of a stack
    History(history::History),
    /// Undo manual changes (exit code 0: the stack is as its release says, 1: it is not)
    Heal(heal::Heal),
    /// Roll back to an earlier release
    Rollback(rollback::Rollback),
    /// Transfer a stack to a repository, or make it one that is deployed by hand
    Adopt(adopt::Adopt),
    /// Remove a stack, but not its data (exit code 0: nothing of it is left, 1: something is)
    Remove(remove::Remove),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Check whether a controller on this machine is alive
    #[command(hide = true)]
    Healthcheck(healthcheck::Healthcheck),
    /// Git's pre-receive hook of the built-in server
    #[command(hide = true)]
    PushHook(push_hook::Args),
    /// Git's proc-receive hook of the built-in server
    #[command(hide = true)]
    BranchHook,
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let words = || crate::config::arguments().into_iter();
    let mut cli = Cli::try_parse().unwrap_or_else(|error| mistyped::asked(error, &Cli::command(), words()).exit());
    cli.settle_format();
    cli.settle_config();
    let common = &cli.common;
    output::begin(common.color.resolve());
    let outcome = match &cli.command {
        Command::Serve(command) => command.run(common),
        Command::Lint(command) => Ok(command.run(common)),
        Command::Hook(command) => Ok(command.run(common)),
        Command::Lsp(command) => command.run(common),
        Command::Rules(command) => Ok(command.run(common)),
        Command::Explain(command) => command.run(common),
        Command::Render(command) => command.run(common),
        Command::Plan(command) => command.run(common),
        Command::Deploy(command) => command.run(common),
        Command::Status(command) => command.run(common),
        Command::Sync(command) => command.run(common),
        Command::Logs(command) => command.run(common),
        Command::Ps(command) => command.run(common),
        Command::History(command) => command.run(common),
        Command::Heal(command) => command.run(common),
        Command::Rollback(command) => command.run(common),
        Command::Adopt(command) => command.run(common),
        Command::Remove(command) => command.run(common),
        Command::Completions(command) => Ok(command.run()),
        Command::Healthcheck(command) => command.run(common),
        Command::PushHook(command) => block_on(async { Ok(push_hook::run(command.clone()).await) }),
        Command::BranchHook => Ok(branch_hook::run()),
    };
    let code = outcome.unwrap_or_else(|error| {
        trouble::tell(&error);
        ExitCode::FAILURE
    });
    match output::lost() {
        Some(error) => incomplete(&cli.command, error),
        None => code,
    }
}

/// Reports that the result could not be written completely, so that readers do not take a part for the whole.
fn incomplete(command: &Command, error: &std::io::Error) -> ExitCode {
    output::line(&format!("error: could not write the whole result: {error}"));
    let could_not_run = matches!(command, Command::Lint(_) | Command::Hook(_));
    if could_not_run { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Runs a future on a single thread, which is enough for a command.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
