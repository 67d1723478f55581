//! The metrics for Prometheus at `/metrics`: counted events, and the states of the watched repositories.

use std::sync::Arc;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::events::Consumer;
use crate::event::{Event, Subject, What};
use crate::name::RepositoryKind;
use crate::release::{Outcome, Upstream};

/// The metrics of a controller. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    releases: IntCounterVec,
    push_to_healthy: Histogram,
    queue: IntGauge,
    build: Histogram,
    drift: IntCounterVec,
    restarts: IntCounterVec,
    repository_good: IntGaugeVec,
    repository_looked: IntGaugeVec,
    repository_failures: IntCounterVec,
}

impl Metrics {
    /// All at zero.
    ///
    /// # Panics
    ///
    /// If two metrics were given the same name, which the tests would show.
    pub fn new() -> Self {
        let registry = Registry::new();
        let releases = IntCounterVec::new(Opts::new("skep_releases_total", "Releases by outcome"), &["outcome"])
            .expect("the metric's name is valid");
        let metrics = Self {
            releases,
            push_to_healthy: histogram("skep_push_to_healthy_seconds", "From a push to its healthy release"),
            queue: IntGauge::new("skep_queue_length", "Rollouts that wait for their turn")
                .expect("the metric's name is valid"),
            drift: IntCounterVec::new(
                Opts::new("skep_drift_total", "Fields that were changed by hand, by what became of them"),
                &["outcome"],
            )
            .expect("the metric's name is valid"),
            restarts: IntCounterVec::new(
                Opts::new("skep_task_restarts_total", "Tasks of skep itself that failed and were started again"),
                &["task"],
            )
            .expect("the metric's name is valid"),
            build: histogram("skep_build_seconds", "Building, testing and pushing an image"),
            repository_good: IntGaugeVec::new(
                Opts::new("skep_repository_up_to_date", "Whether the newest commit of a watched repository runs"),
                &["repository"],
            )
            .expect("the metric's name is valid"),
            repository_looked: IntGaugeVec::new(
                Opts::new("skep_repository_last_look_timestamp_seconds", "When a watched repository last answered"),
                &["repository"],
            )
            .expect("the metric's name is valid"),
            repository_failures: IntCounterVec::new(
                Opts::new("skep_repository_failures_total", "What failed of a watched repository"),
                &["repository", "what"],
            )
            .expect("the metric's name is valid"),
            registry,
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let collectors: [Box<dyn prometheus::core::Collector>; 9] = [
            Box::new(self.repository_good.clone()),
            Box::new(self.repository_looked.clone()),
            Box::new(self.repository_failures.clone()),
            Box::new(self.drift.clone()),
            Box::new(self.restarts.clone()),
            Box::new(self.releases.clone()),
            Box::new(self.push_to_healthy.clone()),
            Box::new(self.queue.clone()),
            Box::new(self.build.clone()),
        ];
        for collector in collectors {
            self.registry.register(collector).expect("each name is registered once");
        }
        for outcome in ["promoted", "unchanged", "rolled-back", "halted", "superseded", "refused"] {
            self.releases.with_label_values(&[outcome]);
        }
        for outcome in ["found", "healed", "contested"] {
            self.drift.with_label_values(&[outcome]);
        }
        for kind in ["worker", "watcher", "events", "observer", "hooks"] {
            self.restarts.with_label_values(&[kind]);
        }
    }

    /// Counts events.
    pub fn consumer(&self) -> Consumer {
        let metrics = self.clone();
        Arc::new(move |event| metrics.count(event))
    }

    fn count(&self, event: &Event) {
        let drifted = |outcome, fields: usize| self.drift.with_label_values(&[outcome]).inc_by(fields as u64);
        match &event.what {
            What::Built { seconds, .. } => self.build.observe(*seconds),
            What::Verdict { outcome, seconds, .. } => {
                self.ended(outcome);
                seconds.iter().filter(|_| outcome.is_good()).for_each(|took| self.push_to_healthy.observe(*took));
            }
            What::Refused { .. } => self.refused(),
            What::Rejected { .. } => {
                self.refused();
                self.failed(&event.subject, "check");
            }
            What::NotDeployed { stacks, .. } => {
                if *stacks == 0 {
                    self.refused();
                }
                self.failed(&event.subject, "deploy");
            }
            What::NotFetched { .. } => self.failed(&event.subject, "look"),
            What::Drifted { places } => drifted("found", places.len()),
            What::Healed { fields } => drifted("healed", *fields),
            What::GivingWay { places } => drifted("contested", places.len()),
            What::WorkerRestarted { worker, .. } => self.restarted(worker),
            _ => {}
        }
    }

    /// Counts a task that failed, by its kind: the first word of its name.
    fn restarted(&self, task: &str) {
        let kind = task.split(' ').next().unwrap_or_default();
        self.restarts.with_label_values(&[kind]).inc();
    }

    /// Counts the failures of a watched repository.
    fn failed(&self, subject: &Subject, what: &str) {
        let watched = subject.repository.as_ref().filter(|it| it.kind() == RepositoryKind::Watched);
        if let Some(repository) = watched {
            self.repository_failures.with_label_values(&[repository.name(), what]).inc();
        }
    }

    fn ended(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Promoted => "promoted",
            Outcome::Unchanged => "unchanged",
            Outcome::RolledBack { .. } => "rolled-back",
            Outcome::Halted { .. } => "halted",
            Outcome::Superseded { .. } => "superseded",
        };
        self.releases.with_label_values(&[outcome]).inc();
    }

    fn refused(&self) {
        self.releases.with_label_values(&["refused"]).inc();
    }

    /// The number of waiting rollouts.
    pub fn queue(&self) -> &IntGauge {
        &self.queue
    }

    /// Notes the state of a watched repository.
    pub fn upstream(&self, upstream: &Upstream) {
        let name = [upstream.repository.name()];
        self.repository_good.with_label_values(&name).set(upstream.is_good().into());
        if let Some(looked) = upstream.looked {
            self.repository_looked.with_label_values(&name).set(looked.as_second());
        }
    }

    /// All metrics, in the format of Prometheus.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn histogram(name: &str, help: &str) -> Histogram {
    let buckets = vec![0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0];
    Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets)).expect("the metric's name is valid")
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;
    use crate::name::Repository;

    fn counted(name: &str, events: impl IntoIterator<Item = (Subject, What)>) -> String {
        let metrics = Metrics::new();
        let consumer = metrics.consumer();
        for (subject, what) in events {
            consumer(&Event { at: jiff::Timestamp::UNIX_EPOCH, what, subject });
        }
        let text = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with(name)).collect();
        lines.join("\n")
    }

    #[test]
    fn what_was_changed_by_hand_is_counted() {
        let places = |count| (0..count).map(|nth| format!("service web{nth}: replicas")).collect();
        let events =
            [What::Drifted { places: places(3) }, What::Healed { fields: 2 }, What::GivingWay { places: places(1) }];
        let events = events.map(|what| (Subject::default(), what));
        insta::assert_snapshot!(counted("skep_drift_total", events), @r#"
        skep_drift_total{outcome="contested"} 1
        skep_drift_total{outcome="found"} 3
        skep_drift_total{outcome="healed"} 2
        "#);
    }

    #[test]
    fn what_fails_of_a_watched_repository_is_counted_and_of_another_one_is_not() {
        let why = || "no".to_owned();
        let happened = || {
            [
                What::NotFetched { why: why(), news: false },
                What::Rejected { why: why(), details: Vec::new() },
                What::NotDeployed { why: why(), stacks: 2, failing: 1, branch_existed: false, news: true },
                What::NotDeployed { why: why(), stacks: 0, failing: 0, branch_existed: false, news: true },
                What::Refused { why: why(), news: true },
            ]
        };
        let of = |repository: Repository| Subject { repository: Some(repository), ..Subject::default() };
        let all = || [Repository::watched("shop"), Repository::hosted("shop")].map(of);
        let events = || all().into_iter().flat_map(|subject| happened().map(|what| (subject.clone(), what)));
        insta::assert_snapshot!(counted("skep_repository_failures", events()), @r#"
        skep_repository_failures_total{repository="shop",what="check"} 1
        skep_repository_failures_total{repository="shop",what="deploy"} 2
        skep_repository_failures_total{repository="shop",what="look"} 1
        "#);
        insta::assert_snapshot!(counted("skep_releases_total{outcome=\"refused", events()), @r#"skep_releases_total{outcome="refused"} 6"#);
    }
}
