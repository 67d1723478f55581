//! `skep logs --build`: shows the build logs that the controller keeps.
//!
//! The logs are in the data folder of the controller. On a machine with that folder they are read there; from other
//! machines the controller is asked, with a push token.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use reqwest::StatusCode;
use secrecy::ExposeSecret as _;
use url::Url;

use super::output;
use super::output::Format;
use crate::build::kept::{BuildLogs, Record, Wanted};
use crate::config::{self, Settings};
use crate::name::{ServiceName, StackName};
use crate::release::ReleaseId;
use crate::text::{escaped_json, plain};

/// The most bytes of a log that are read.
const LARGEST: usize = 4 << 20;

/// The options that select a build log.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// Show the log of the stack's last build instead of the output of its tasks
    #[arg(long = "build", id = "build", conflicts_with_all = ["follow", "since"])]
    is_wanted: bool,
    /// The build of this release, such as 3 or r3
    #[arg(long, value_name = "RELEASE", requires = "build", value_parser = release)]
    release: Option<ReleaseId>,
    /// The newest build of this commit, also if no release was made of it
    #[arg(long, value_name = "COMMIT", requires = "build", conflicts_with = "release", value_parser = commit)]
    commit: Option<String>,
    /// The controller that keeps the log, such as `https://skep.example.com` [default: `SKEP_CONTROLLER`, or the data
    /// folder if it is on this machine]
    #[arg(long, value_name = "URL", requires = "build")]
    controller: Option<Url>,
}

fn release(text: &str) -> Result<ReleaseId, String> {
    let number = text.strip_prefix('r').unwrap_or(text).parse();
    number.map(ReleaseId).map_err(|_| "write a release such as r3".to_owned())
}

fn commit(text: &str) -> Result<String, String> {
    let is_id = (4..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("write the id of a commit, or the beginning of one".to_owned())
    }
}

/// The options for showing a log.
pub(super) struct Shown<'a> {
    /// Only this service.
    pub(super) service: Option<&'a ServiceName>,
    /// The number of last lines; all if `None`.
    pub(super) tail: Option<usize>,
    /// With the time of each line.
    pub(super) timestamps: bool,
    pub(super) format: Format,
}

impl Build {
    /// Whether a build log is requested.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    /// Shows the log of a build.
    pub(super) async fn show(
        &self,
        stack: &StackName,
        settings: &Settings,
        shown: &Shown<'_>,
    ) -> anyhow::Result<ExitCode> {
        let text = self.read(stack, settings).await?;
        let records: Vec<Record> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if let Some(Record::Build { commit, author, at, .. }) = records.first() {
            let release = records.iter().find_map(|record| match record {
                Record::End { release, .. } => release.map(|release| format!("{release} of ")),
                _ => None,
            });
            let at = at.strftime("%Y-%m-%d %H:%M:%S");
            let of = release.unwrap_or_default();
            output::line(&format!("build of {of}{stack} from {} by {author}, {at} UTC", commit.short()));
        }
        shown.write(&records);
        if !records.iter().any(|record| matches!(record, Record::End { .. })) {
            output::line("the log ends here: the build goes on, or skep ended in the middle of it");
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn read(&self, stack: &StackName, settings: &Settings) -> anyhow::Result<String> {
        let named =
            config::variable("SKEP_CONTROLLER").map(|url| Url::parse(&url).context("SKEP_CONTROLLER is no address"));
        let controller = self.controller.clone().map(Ok).or(named).transpose()?;
        let logs = BuildLogs::below(&settings.data);
        match controller {
            Some(controller) => self.ask(stack, controller, settings).await,
            None if logs.is_here() => Ok(logs.read(stack, &self.wanted())?),
            None => bail!(
                "the logs of builds are kept where the controller runs, and {} is not on this machine; name the controller \
                 with `--controller URL` or SKEP_CONTROLLER, and a token with SKEP_TOKEN_FILE",
                settings.data.display()
            ),
        }
    }

    fn wanted(&self) -> Wanted {
        match (self.release, &self.commit) {
            (Some(release), _) => Wanted::Release(release),
            (None, Some(commit)) => Wanted::Commit(commit.clone()),
            (None, None) => Wanted::Newest,
        }
    }

    /// Asks the controller, with a push token.
    async fn ask(&self, stack: &StackName, mut url: Url, settings: &Settings) -> anyhow::Result<String> {
        ensure!(matches!(url.scheme(), "http" | "https"), "`{url}` is not the address of a controller");
        let token = settings.token_files.first().context("no token is set (SKEP_TOKEN_FILE, `token_files`)")?;
        let token = config::secret(token)?;
        url.path_segments_mut().expect("http has paths").pop_if_empty().extend(["builds", stack.as_str()]);
        let query = match self.wanted() {
            Wanted::Newest => None,
            Wanted::Release(ReleaseId(release)) => Some(("release", release.to_string())),
            Wanted::Commit(commit) => Some(("commit", commit)),
        };
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, &value);
        }
        let authorities = settings.ca_file.as_deref().map(config::certificates).transpose()?.unwrap_or_default();
        let authorities = reqwest::Certificate::from_pem_bundle(&authorities)?;
        // A redirect would take the token to another host.
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge(authorities)
            .build()?;
        let host = url.origin().ascii_serialization();
        let request = client.get(url).basic_auth("skep", Some(token.expose_secret()));
        let mut answer = request.send().await.with_context(|| format!("the controller at {host} does not answer"))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            ensure!(body.len() + piece.len() <= LARGEST, "the answer of {host} is larger than a log of a build");
            body.extend_from_slice(&piece);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::UNAUTHORIZED => bail!("the controller at {host} does not know this token"),
            _ => bail!("{}", plain(body.trim())),
        }
    }
}

impl Shown<'_> {
    fn write(&self, records: &[Record]) {
        let is_shown = |record: &&Record| match record {
            Record::Line { service, .. } => self.service.is_none_or(|wanted| wanted == service),
            Record::LeftOut { .. } => true,
            Record::Build { .. } | Record::End { .. } => false,
        };
        let lines: Vec<&Record> = records.iter().filter(is_shown).collect();
        let skipped = self.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        let width = lines.iter().map(|record| name(record).len()).max().unwrap_or_default();
        let text: String = lines[skipped..].iter().map(|record| self.line(record, width) + "\n").collect();
        output::piece(&text);
    }

    fn line(&self, record: &Record, width: usize) -> String {
        if self.format == Format::Json {
            return escaped_json(&serde_json::to_string(record).expect("a record is plain data"));
        }
        match record {
            Record::Line { at, text, .. } => {
                let time = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ ").to_string();
                let time = if self.timestamps { time.as_str() } else { "" };
                format!("{:<width$} | {time}{}", name(record), plain(text))
            }
            Record::LeftOut { lines } => format!("… {lines} lines are not kept …"),
            Record::Build { .. } | Record::End { .. } => String::new(),
        }
    }
}

/// The service that a line is of.
fn name(record: &Record) -> &str {
    match record {
        Record::Line { service, .. } => service.as_str(),
        Record::Build { .. } | Record::LeftOut { .. } | Record::End { .. } => "",
    }
}
