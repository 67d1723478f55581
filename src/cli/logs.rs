//! `skep logs`: what the tasks of a stack write, in the order of time; with `--build`, what the builder wrote.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::mpsc;

use super::build_log::{Build, Shown};
use super::output::Format;
use super::workspace::{cluster, painted, without_services};
use super::{Common, output};
use crate::controller::cluster::Cluster;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::suggest::did_you_mean;
use crate::name::{ServiceName, StackName};
use crate::plan::Color;
use crate::plan::observed::{Observed, Task};
use crate::swarm::{Line, Wanted};
use crate::text::{self, escaped_json};
use crate::time;

/// The number of lines that are buffered before the engine has to wait.
const QUEUE: usize = 1024;
/// The most lines of an existing log that are sorted together.
const HELD: usize = 100_000;
/// How long a line is held back for older lines of other tasks.
const PATIENCE: Duration = Duration::from_millis(300);
/// The pause before an interrupted log is opened again.
const AGAIN: Duration = Duration::from_secs(1);
/// Colours that tell services apart.
const COLORS: [&str; 6] = ["36", "33", "32", "35", "34", "31"];

/// `skep logs`
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The stack
    stack: StackName,
    /// One of its services [default: all]
    service: Option<ServiceName>,
    /// Keep showing new lines
    #[arg(long, short)]
    follow: bool,
    /// How many of the last lines, or `all` [default: 100 of each task, and all of a build]
    #[arg(long, short = 'n', value_name = "N", value_parser = tail)]
    tail: Option<Tail>,
    /// Show only lines since a time such as 2026-01-31T12:00:00Z, or since a duration ago such as 10m
    #[arg(long, value_name = "T", value_parser = since)]
    since: Option<Since>,
    /// Show the time of each line
    #[arg(long, short)]
    timestamps: bool,
    #[command(flatten)]
    build: Build,
}

/// How many lines of a task are shown if nothing is said.
const LAST: u64 = 100;

#[derive(Debug, Clone, Copy)]
struct Tail(Option<u64>);

#[derive(Debug, Clone, Copy)]
enum Since {
    At(Timestamp),
    Ago(SignedDuration),
}

fn tail(text: &str) -> Result<Tail, String> {
    let number = || text.parse().map(|number| Tail(Some(number)));
    if text == "all" { Ok(Tail(None)) } else { number().map_err(|_| "write a number, or `all`".to_owned()) }
}

fn since(text: &str) -> Result<Since, String> {
    if let Some(ago) = crate::stack::file::duration(text) {
        return Ok(Since::Ago(SignedDuration::from_nanos(ago.0)));
    }
    text.parse().map(Since::At).map_err(|_| "write a time such as 2026-01-31T12:00:00Z, or 10m".to_owned())
}

/// A log line and its service.
struct Said {
    nth: usize,
    line: Line,
}

impl Logs {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let settings = common.settings()?;
        if self.build.is_wanted() {
            return super::block_on(self.build.show(&self.stack, &settings, &self.shown(common)));
        }
        super::block_on(async {
            let cluster = cluster(&settings)?;
            let observed = cluster.swarm.observe(&self.stack).await?;
            if observed.services.is_empty() {
                return Err(without_services(&cluster, &self.stack).await);
            }
            let services = self.services(&observed)?;
            for line in not_asked(&observed, &services) {
                output::line(&line);
            }
            let (sender, lines) = mpsc::channel(QUEUE);
            for (nth, service) in services.iter().enumerate() {
                let reader =
                    Reader { cluster: cluster.clone(), stack: self.stack.clone(), service: service.clone(), nth };
                tokio::spawn(reader.read(self.wanted(cluster.clock.now()), sender.clone()));
            }
            drop(sender);
            let printer = Printer {
                width: services.iter().map(|name| name.as_str().len() + 3).max().unwrap_or(0),
                services,
                timestamps: self.timestamps,
                format: common.format,
                color: common.color.resolve(),
            };
            tokio::select! {
                () = printer.print(lines, self.follow) => {}
                // Following ends by an interrupt.
                _ = tokio::signal::ctrl_c() => {}
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    fn services(&self, observed: &Observed) -> anyhow::Result<Vec<ServiceName>> {
        let Some(service) = &self.service else { return Ok(observed.services.keys().cloned().collect()) };
        if !observed.services.contains_key(service) {
            let known: Vec<&str> = observed.services.keys().map(ServiceName::as_str).collect();
            let help = did_you_mean(service.as_str(), known.iter().copied())
                .unwrap_or_else(|| format!("it has {}", known.join(", ")));
            let message = format!("the stack `{}` has no service `{service}`", self.stack);
            return Err(Diagnostic::new((), message).help(help).into());
        }
        Ok(vec![service.clone()])
    }

    fn wanted(&self, now: Timestamp) -> Wanted {
        let since = self.since.map(|since| match since {
            Since::At(at) => at,
            Since::Ago(ago) => time::before(now, ago),
        });
        Wanted { tail: self.tail.map_or(Some(LAST), |tail| tail.0), since, follow: self.follow }
    }

    /// How the log of a build is shown.
    fn shown(&self, common: &Common) -> Shown<'_> {
        let tail = self.tail.and_then(|tail| tail.0).map(|lines| usize::try_from(lines).unwrap_or(usize::MAX));
        Shown { service: self.service.as_ref(), tail, timestamps: self.timestamps, format: common.format }
    }
}

/// Notes on missing logs of these services, one for each node that is down.
fn not_asked(observed: &Observed, services: &[ServiceName]) -> Vec<String> {
    let down = observed.nodes.iter().filter(|node| node.down);
    let missing = down.filter_map(|node| {
        let tasks = services.iter().flat_map(|name| observed.services[name].tasks.iter().map(move |task| (name, task)));
        let there: BTreeSet<String> =
            tasks.filter(|(_, task)| task.node == node.id).map(|(name, task)| place(name, task)).collect();
        let there = there.into_iter().collect::<Vec<_>>().join(", ");
        (!there.is_empty()).then(|| format!("node {} is down: the logs of {there} there are missing", node.hostname))
    });
    missing.collect()
}

/// The prefix of a task's lines, such as `web.1`.
fn place(service: &ServiceName, task: &Task) -> String {
    if task.slot == 0 { service.to_string() } else { format!("{service}.{}", task.slot) }
}

/// A reader of one service's log.
struct Reader {
    cluster: Cluster,
    stack: StackName,
    service: ServiceName,
    nth: usize,
}

impl Reader {
    /// Reads to the end. When following, resumes an interrupted log, for example after the service was recreated.
    async fn read(self, mut wanted: Wanted, sender: mpsc::Sender<Said>) {
        let mut told = String::new();
        loop {
            let broke = self.read_once(&mut wanted, &sender).await;
            if let Err(error) = &broke
                && told != error.to_string()
            {
                told = error.to_string();
                output::line(&format!("the log of {} was interrupted: {error}", self.service));
            }
            if !wanted.follow || sender.is_closed() {
                return;
            }
            self.cluster.clock.wait(AGAIN).await;
        }
    }

    async fn read_once(&self, wanted: &mut Wanted, sender: &mpsc::Sender<Said>) -> anyhow::Result<()> {
        let observed = self.cluster.swarm.observe(&self.stack).await?;
        let Some(there) = observed.services.get(&self.service) else { return Ok(()) };
        let mut log = self.cluster.swarm.log(&there.id, there.service.tty, wanted).await?;
        while let Some(line) = log.next().await? {
            // After an interruption, reading resumes after this line.
            (wanted.since, wanted.tail) = (Some(time::after(line.at, SignedDuration::from_secs(1))), None);
            if sender.send(Said { nth: self.nth, line }).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The format of printed lines.
struct Printer {
    services: Vec<ServiceName>,
    width: usize,
    timestamps: bool,
    format: Format,
    color: Color,
}

impl Printer {
    /// Prints lines in the order of their times, waiting a little for late ones, until the logs end or the reader is gone.
    async fn print(&self, mut lines: mpsc::Receiver<Said>, follow: bool) {
        let (mut held, most) = (Vec::new(), if follow { QUEUE } else { HELD });
        loop {
            let next = if follow && !held.is_empty() {
                tokio::time::timeout(PATIENCE, lines.recv()).await
            } else {
                Ok(lines.recv().await)
            };
            let ended = matches!(next, Ok(None));
            if let Ok(Some(said)) = next {
                held.push(said);
                if held.len() < most {
                    continue;
                }
            }
            if !self.write(&mut held) || ended {
                return;
            }
        }
    }

    /// Prints the held lines, oldest first. Returns whether the reader is still there.
    fn write(&self, held: &mut Vec<Said>) -> bool {
        held.sort_by_key(|said| said.line.at);
        let text: String = held.drain(..).map(|said| self.shown(&said) + "\n").collect();
        output::piece(&text)
    }

    fn shown(&self, Said { nth, line }: &Said) -> String {
        let service = &self.services[*nth];
        if self.format == Format::Json {
            let value =
                json!({ "service": service, "slot": line.slot, "task": line.task, "at": line.at, "text": line.text });
            return escaped_json(&value.to_string());
        }
        let name = line.slot.map_or_else(|| service.to_string(), |slot| format!("{service}.{slot}"));
        let name = painted(&format!("{name:<width$}", width = self.width), COLORS[nth % COLORS.len()], self.color);
        let time =
            if self.timestamps { format!("{} ", line.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")) } else { String::new() };
        let said = match self.color {
            Color::Always => text::coloured(&line.text),
            Color::Never => text::plain(&line.text),
        };
        format!("{name} | {time}{said}")
    }
}
