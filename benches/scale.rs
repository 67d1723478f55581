//! What it costs to look at a stack, by the number of its services: `cargo bench --bench scale`.
//!
//! On the simulated engine, so that only skep's own work is in the figures, and the engine's JSON both ways.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its figures, and stops when it cannot")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use skep::engine::Engine;
use skep::engine::simulated::World;
use skep::lease::Lease;
use skep::lint::{self, Checked};
use skep::plan::observed::Observed;
use skep::plan::{Plan, Removable};
use skep::render::{self, Inputs};
use skep::revision::Revision;
use skep::stack::Stack;
use skep::swarm::Swarm;

const SIZES: [usize; 3] = [1, 10, 100];
/// The median of so many is printed.
const TIMES: usize = 15;

/// The time that one look at a stack takes, by what is done.
struct Cost {
    services: usize,
    check: Duration,
    render: Duration,
    observe: Duration,
    plan: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --all-targets` runs this, too, but not for figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| services | check | render | observe | plan | all, for each service |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for services in SIZES {
        println!("{}", row(&measure(services).await));
    }
}

async fn measure(services: usize) -> Cost {
    let text = stack_file(services);
    let revision = Revision::of(&[("stack.yml", &text)]);
    let checked = checked(&revision);
    let desired = rendered(&checked);
    let swarm = Swarm::new(Engine::Simulated(deployed(&desired).await));
    let observed = swarm.observe(&desired.name).await.unwrap();
    assert!(planned(&desired, &observed).is_empty(), "all of it is deployed");
    let mut observing = Vec::new();
    for _ in 0..TIMES {
        let start = now();
        swarm.observe(&desired.name).await.unwrap();
        observing.push(start.elapsed());
    }
    Cost {
        services,
        check: timed(|| self::checked(&revision)),
        render: timed(|| rendered(&checked)),
        observe: median(observing),
        plan: timed(|| planned(&desired, &observed)),
    }
}

fn stack_file(services: usize) -> String {
    let mut text = String::from("services:\n");
    for number in 0..services {
        write!(
            text,
            "  web{number}:\n    image: registry.example.com/shop/web:{number}\n    command: [serve, --verbose]\n    \
             environment: {{MODE: production, PORT: \"8080\", NUMBER: \"{number}\"}}\n    \
             healthcheck: {{test: [CMD, /web, --check], interval: 5s}}\n    networks: [back]\n    \
             deploy: {{replicas: 2, resources: {{limits: {{memory: 64M}}}}}}\n",
        )
        .unwrap();
    }
    text + "networks: {back: {}}\n"
}

fn checked(revision: &Revision) -> Checked {
    lint::check(revision.clone(), &BTreeMap::new()).unwrap()
}

fn rendered(checked: &Checked) -> Stack {
    let inputs = Inputs::new("shop".parse().unwrap(), &checked.revision().texts);
    render::render(&checked.stacks()[0].file, &inputs).unwrap()
}

fn planned(desired: &Stack, observed: &Observed) -> Plan {
    Plan::between(desired, observed, &Removable::default())
}

/// A swarm on which the stack runs.
async fn deployed(desired: &Stack) -> World {
    let world = World::new();
    let swarm = Swarm::new(Engine::Simulated(world.clone()));
    // What services need is in the plan before them, but is seen only when looked at again.
    loop {
        let observed = swarm.observe(&desired.name).await.unwrap();
        let plan = planned(desired, &observed);
        if plan.is_empty() {
            break;
        }
        let first = plan.changes.iter().position(|change| change.subject.service().is_some()).filter(|at| *at > 0);
        for change in &plan.changes[..first.unwrap_or(plan.changes.len())] {
            swarm.perform(&Lease::of_command(), change, desired, &observed).await.unwrap();
        }
    }
    world.advance(Duration::from_mins(1));
    world
}

fn timed<T>(work: impl Fn() -> T) -> Duration {
    let once = |_| {
        let start = now();
        std::hint::black_box(work());
        start.elapsed()
    };
    median((0..TIMES).map(once).collect())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
fn now() -> Instant {
    Instant::now()
}

fn row(cost: &Cost) -> String {
    let all = cost.check + cost.render + cost.observe + cost.plan;
    let each = all / u32::try_from(cost.services).unwrap();
    let shown = [cost.check, cost.render, cost.observe, cost.plan, each]
        .map(|time| format!("{:.2} ms", time.as_secs_f64() * 1000.0));
    format!("| {} | {} |", cost.services, shown.join(" | "))
}
