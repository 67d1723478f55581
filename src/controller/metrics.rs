//! The metrics for Prometheus at `/metrics`.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::rollout::Tally;

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
        let collectors: [Box<dyn prometheus::core::Collector>; 8] = [
            Box::new(self.repository_good.clone()),
            Box::new(self.repository_looked.clone()),
            Box::new(self.repository_failures.clone()),
            Box::new(self.drift.clone()),
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
        self.drifted(Tally::default());
    }

    /// A release ended.
    pub fn ended(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Promoted => "promoted",
            Outcome::Unchanged => "unchanged",
            Outcome::RolledBack { .. } => "rolled-back",
            Outcome::Halted { .. } => "halted",
            Outcome::Superseded { .. } => "superseded",
        };
        self.releases.with_label_values(&[outcome]).inc();
    }

    /// A revision did not become a release: it was refused, or its build failed.
    pub fn refused(&self) {
        self.releases.with_label_values(&["refused"]).inc();
    }

    /// Counts changes made by hand.
    pub fn drifted(&self, tally: Tally) {
        for (outcome, number) in [("found", tally.found), ("healed", tally.healed), ("contested", tally.contested)] {
            self.drift.with_label_values(&[outcome]).inc_by(number);
        }
    }

    /// A release became healthy this long after its push.
    pub fn healthy_after(&self, time: Duration) {
        self.push_to_healthy.observe(time.as_secs_f64());
    }

    /// A build took this long.
    pub fn built(&self, time: Duration) {
        self.build.observe(time.as_secs_f64());
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

    /// A watched repository could not be fetched.
    pub fn look_failed(&self, repository: &str) {
        self.repository_failures.with_label_values(&[repository, "look"]).inc();
    }

    /// A commit of a watched repository did not pass the checks.
    pub fn commit_refused(&self, repository: &str) {
        self.repository_failures.with_label_values(&[repository, "check"]).inc();
    }

    /// A commit of a watched repository passed the checks, but failed to run.
    pub fn commit_failed(&self, repository: &str) {
        self.repository_failures.with_label_values(&[repository, "deploy"]).inc();
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

    #[test]
    fn what_was_changed_by_hand_is_counted() {
        let metrics = Metrics::new();
        metrics.drifted(Tally { found: 3, healed: 2, contested: 1 });
        let text = TextEncoder::new().encode_to_string(&metrics.registry().gather()).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("skep_drift_total")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        skep_drift_total{outcome="contested"} 1
        skep_drift_total{outcome="found"} 3
        skep_drift_total{outcome="healed"} 2
        "#);
    }
}
