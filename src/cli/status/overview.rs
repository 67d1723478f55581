//! The overview: all stacks, one line each.

use jiff::Timestamp;

use super::repositories;
use crate::cli::ps::age;
use crate::cli::table::{Cell, table};
use crate::plan::Color;
use crate::release::Phase;
use crate::text::shortened;
use crate::view::{Overview, StackState, StackView};

/// The most characters shown of the reason why a commit does not run; `skep status STACK` shows all.
const LONGEST: usize = 300;

/// The stacks, the watched repositories, and the commits that do not fully run.
pub(super) fn of(seen: &Overview, now: Timestamp, color: Color) -> String {
    let Overview { stacks, commits, upstreams } = seen;
    let rows: Vec<[Cell; 6]> = stacks.iter().map(|view| row(view, now)).collect();
    let stacks = table(["STACK", "STATE", "RELEASE", "TASKS", "SINCE", "REMARK"], &rows, color);
    let watched = (!upstreams.is_empty()).then(|| repositories::of(upstreams, now, color));
    let commits: Vec<String> =
        commits.iter().map(|intent| format!("commit {}", shortened(&intent.sentence(), LONGEST))).collect();
    let commits = (!commits.is_empty()).then(|| commits.join("\n"));
    [Some(stacks), watched, commits].into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

fn row(view: &StackView, now: Timestamp) -> [Cell; 6] {
    let state = view.state();
    let rolls = view.phase.as_ref().is_some_and(Phase::is_rolling);
    let shown = view.attempted.filter(|_| rolls).or(view.promoted);
    let since = view.phase.as_ref().map(|phase| age(now.duration_since(at(phase)))).unwrap_or_default();
    [
        Cell::painted(view.stack.as_str(), "1"),
        Cell::painted(state.word(), ansi(state)),
        shown.map_or_else(|| "-".to_owned(), |release| release.to_string()).into(),
        tasks(view).into(),
        since.into(),
        what_to_know(view).into(),
    ]
}

fn ansi(state: StackState) -> &'static str {
    match state {
        StackState::Healthy => "32",
        StackState::Rolling | StackState::WentBack | StackState::Differs => "33",
        StackState::NoRecord | StackState::Removed => "2",
        StackState::Unreadable
        | StackState::Damaged
        | StackState::Missing
        | StackState::Failed
        | StackState::Degraded => "31",
    }
}

/// The number of running tasks out of the desired ones, if known.
fn tasks(view: &StackView) -> String {
    if view.services.is_empty() {
        return String::new();
    }
    let running: u64 = view.services.iter().map(|service| service.running).sum();
    let wanted: Option<u64> = view.services.iter().map(|service| service.wanted).sum();
    wanted.map_or_else(|| running.to_string(), |wanted| format!("{running}/{wanted}"))
}

fn at(phase: &Phase) -> Timestamp {
    match phase {
        Phase::Rolling { since: at, .. }
        | Phase::Promoted { at, .. }
        | Phase::Failed { at, .. }
        | Phase::Superseded { at, .. } => *at,
    }
}

/// The most important remark; `skep status STACK` shows all.
fn what_to_know(view: &StackView) -> String {
    let failed = match (&view.phase, view.attempted) {
        (Some(Phase::Failed { symptoms, .. }), Some(release)) => symptoms.first().map(|symptom| {
            let service = symptom.service.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            format!("{release} failed: {service}{}", symptom.message)
        }),
        _ => None,
    };
    let differs = match view.drift.len() {
        0 => None,
        1 => Some("1 manual change".to_owned()),
        changes => Some(format!("{changes} manual changes")),
    };
    let contested = view.contested.then(|| "no longer healed".to_owned());
    view.unreadable.clone().into_iter().chain(failed).chain(differs).chain(contested).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::health::Symptom;
    use crate::release::ReleaseId;
    use crate::view::ServiceView;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn report(stack: &str, phase: Option<Phase>, promoted: Option<u64>, running: u64) -> StackView {
        let services = vec![ServiceView { name: "web".into(), running, wanted: promoted.map(|_| 2) }];
        StackView {
            attempted: phase.as_ref().map(|_| ReleaseId(promoted.unwrap_or(0) + 1)),
            promoted: promoted.map(ReleaseId),
            phase,
            stack: stack.parse().unwrap(),
            services,
            commit: None,
            pending: None,
            attempted_commit: None,
            repository: None,
            drift: Vec::new(),
            notes: Vec::new(),
            urls: Vec::new(),
            damaged: false,
            contested: false,
            way_back_failed: false,
            unreadable: None,
        }
    }

    #[test]
    fn a_stack_is_as_bad_as_the_worst_that_is_true_of_it() {
        let failed = |message: &str| Phase::failed(NOW, vec![Symptom::whole_stack(message.into())]);
        let good = Phase::promoted(NOW);
        let reports = [
            report("shop", Some(good.clone()), Some(7), 2),
            report("short", Some(good.clone()), Some(7), 1),
            report("back", Some(failed("a task failed")), Some(7), 2),
            report("first", Some(failed("no such image")), None, 0),
            report("rolls", Some(Phase::rolling(NOW)), Some(7), 1),
            StackView {
                drift: vec!["a".into(), "b".into()],
                contested: true,
                ..report("hand", Some(good.clone()), Some(7), 2)
            },
            StackView { services: Vec::new(), ..report("gone", Some(good), Some(7), 0) },
            StackView { damaged: true, ..report("broken", None, None, 2) },
            report("foreign", None, None, 2),
            StackView {
                services: Vec::new(),
                unreadable: Some("service odd_web: invalid type".into()),
                ..report("odd", None, None, 0)
            },
        ];
        let seen = Overview { stacks: reports.into(), commits: Vec::new(), upstreams: Vec::new() };
        assert_snapshot!(of(&seen, NOW + std::time::Duration::from_secs(61), Color::Never), @"
        STACK    STATE       RELEASE  TASKS  SINCE  REMARK
        shop     healthy     r7       2/2    1 min
        short    degraded    r7       1/2    1 min
        back     went back   r7       2/2    1 min  r8 failed: a task failed
        first    failed      -        0      1 min  r1 failed: no such image
        rolls    rolling     r8       1/2    1 min
        hand     differs     r7       2/2    1 min  2 manual changes; no longer healed
        gone     removed     r7              1 min
        broken   damaged     -        2
        foreign  no record   -        2
        odd      unreadable  -                      service odd_web: invalid type
        ");
    }
}
