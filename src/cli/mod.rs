//! One file per command.
//!
//! Commands read the swarm and its records through the Docker API: few need a controller. What changes a stack is carried
//! out by the controller where there is one (`performer.rs`). Results go to standard output, everything else to standard
//! error.

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

/// GitOps for Docker Swarm: `git push`, and the swarm follows, or goes back to where it was healthy.
#[derive(Debug, Parser)]
#[command(name = "skep", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

impl Cli {
    /// Settings of the linter may be named as hadolint has it: `skep lint --config .hadolint.yaml`.
    fn settle_config(&mut self) {
        if let Command::Lint(lint) = &mut self.command {
            lint.take_settings(&mut self.common.config);
        }
    }

    /// What is asked for, if the command knows it.
    fn settle_format(&mut self) {
        let Some(asked) = self.common.findings else { return };
        match asked.for_any_command() {
            Some(format) => self.common.format = format,
            None if matches!(self.command, Command::Lint(_)) => {}
            None => Self::command().error(ErrorKind::InvalidValue, "only `skep lint` writes this format").exit(),
        }
    }
}

/// What every command takes.
#[derive(Debug, Args)]
struct Common {
    /// The settings file [default: /etc/skep/skep.yml if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The engine, such as `unix:///var/run/docker.sock` or `tcp://manager:2375`
    #[arg(long, short = 'H', global = true, value_name = "URL")]
    host: Option<String>,
    /// How results are written; `lint` alone knows all of these [default: human]
    #[arg(long = "format", global = true, value_enum, value_name = "FORMAT")]
    findings: Option<FindingsFormat>,
    /// The same, of those that every command knows.
    #[arg(skip)]
    format: Format,
    /// Whether results are coloured
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
    /// Run the controller: watch repositories, take pushes, deploy
    Serve(serve::Serve),
    /// Check Dockerfiles and stack files (exit code 0: clean, 1: findings, 2: it could not run)
    Lint(lint::Lint),
    /// Check what is pushed or committed, as a hook of any Git server
    Hook(hook::Hook),
    /// The linter in an editor: the language server protocol over standard input and output
    Lsp(lsp::Lsp),
    /// List all rules
    Rules(rules::Rules),
    /// Explain a rule, or list all rules
    Explain(explain::Explain),
    /// Print the Compose file that would be deployed
    Render(render::Render),
    /// Show what a deploy would change (exit code 0: nothing, 2: something, 1: it would be refused, or could not be told)
    Plan(plan::Plan),
    /// Deploy a folder, with the same gate and rollback as a push (exit code 0: it runs, 1: it does not)
    Deploy(deploy::Deploy),
    /// Show what runs, what was last tried, and what differs
    Status(status::Status),
    /// Look at watched repositories now, and deploy what is new (exit code 0: their newest commits run, 1: they do not)
    Sync(sync::Sync),
    /// Show what the tasks of a stack write, or what its build wrote
    Logs(logs::Logs),
    /// Show the tasks of a stack
    Ps(ps::Ps),
    /// Show the releases of a stack
    History(history::History),
    /// Change back what was changed by hand (exit code 0: it is as it should be, 1: it is not)
    Heal(heal::Heal),
    /// Go back to an earlier release
    Rollback(rollback::Rollback),
    /// Hand a stack over to a repository, or into your own hands
    Adopt(adopt::Adopt),
    /// Remove a stack, but not its data (exit code 0: there is nothing of it, 1: there is)
    Remove(remove::Remove),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Ask a controller on this machine whether it is alive
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

/// The end of a command whose result could not be written whole: who reads the rest must not take it for all.
fn incomplete(command: &Command, error: &std::io::Error) -> ExitCode {
    output::line(&format!("error: the result could not be written whole: {error}"));
    let could_not_run = matches!(command, Command::Lint(_) | Command::Hook(_));
    if could_not_run { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Runs what needs the network, on one thread: a command has one thing to do.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
