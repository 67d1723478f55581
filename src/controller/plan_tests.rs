//! Whatever a deploy is refused for, a plan has said, and what a plan does not object to, the swarm accepts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::clock::Clock;
use super::cluster::{Accepted, Cluster, Consent, Error, Proposal};
use super::events::EventSender;
use super::rollout::Rollout;
use crate::engine::simulated::World;
use crate::engine::{Call, Engine};
use crate::lease::Lease;
use crate::plan::Plan;
use crate::probe::Prober;
use crate::release::{Cause, Origin};
use crate::render::{Inputs, render};
use crate::revision::Revision;
use crate::stack::file::File;
use crate::stack::{Config, Stack};
use crate::store::Store;
use crate::swarm::Swarm;

/// Lines that a service may have, each of which changes something that Swarm may refuse.
const OF_SERVICE: [&str; 12] = [
    "deploy: { mode: global }",
    "deploy: { replicas: 3, placement: { max_replicas_per_node: 1 } }",
    "deploy: { mode: replicated-job }",
    "configs: [page]",
    "secrets: [key]",
    "networks: [front]",
    "networks: [front, other]",
    "ports: ['8080:80']",
    "ports: [{ target: 80, published: 8080, mode: host }]",
    "volumes: ['data:/data']",
    "labels: { a: b }",
    "environment: { A: b }",
];

/// Names that may be given, and some that the engine refuses.
const GOOD: [&str; 4] = ["", "own", "shop_own", "taken"];
const BAD: [&str; 5] =
    ["a b", "a.b", "ends_", "none", "a-name-that-is-longer-than-the-engine-wants-it-to-be-by-a-few-characters"];

/// The names of a network, a config, a secret and a volume.
type Names = [&'static str; 4];

fn names() -> impl Strategy<Value = Names> {
    let name = || prop_oneof![12 => select(&GOOD[..]), 1 => select(&BAD[..])];
    [name(), name(), name(), name()]
}

/// A stack file of two services.
fn file(names: Names) -> impl Strategy<Value = String> {
    let services = (subsequence(&OF_SERVICE, 0..5), subsequence(&OF_SERVICE, 0..4));
    let content = prop_oneof![8 => select(&["one", "two"][..]), 1 => Just("")];
    let key = select(&["one.txt", "two.txt"][..]);
    (services, content, key, select(&[":/a", ":/b"][..]), any::<bool>()).prop_map(
        move |((web, db), content, key, device, external)| {
            let [network, config, secret, volume] = names.map(named);
            let other = if external { named("taken") } else { String::new() };
            let (web, db) = (service("web", &web), service("db", &db));
            format!(
                "x-skep: {{ stable: 0s }}\nservices:\n{web}{db}\
                 networks: {{ front: {{ {network} }}, other: {{ external: {external}, {other} }} }}\n\
                 configs: {{ page: {{ {config}content: '{content}' }} }}\nsecrets: {{ key: {{ {secret}file: {key} }} }}\n\
                 volumes: {{ data: {{ {volume}driver_opts: {{ type: nfs, device: '{device}' }} }} }}\n"
            )
        },
    )
}

fn named(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("name: '{name}', ") }
}

fn service(name: &str, lines: &[&str]) -> String {
    // Of two lines with the same key the later one stays.
    let keys: BTreeMap<&str, &str> = lines.iter().map(|line| (line.split(':').next().unwrap(), *line)).collect();
    let lines: Vec<&str> = ["image: app:1"].into_iter().chain(keys.into_values()).collect();
    format!("  {name}:\n    {}\n", lines.join("\n    "))
}

/// A stack file and the next version of it, which mostly keeps its names.
fn versions() -> impl Strategy<Value = [String; 2]> {
    (names(), proptest::option::weighted(0.2, names()))
        .prop_flat_map(|(before, after)| [file(before).boxed(), file(after.unwrap_or(before)).boxed()])
}

/// The stack of a file; none if the file is refused already.
fn stack(text: &str) -> Option<Stack> {
    let files = [("stack.yml", text), ("one.txt", "hush"), ("two.txt", "hush, hush")];
    let revision = Revision::of(&files);
    let file = File::read(&"stack.yml".parse().unwrap(), text.as_bytes(), &BTreeMap::new()).ok()?;
    render(&file, &Inputs::new("shop".parse().unwrap(), &revision.texts)).ok()
}

fn cluster(world: &World) -> Cluster {
    let engine = Engine::Simulated(world.clone());
    let clock = Clock::Simulated(world.clone());
    Cluster { swarm: Swarm::new(engine.clone()), store: Store::new(engine.clone()), prober: Prober::new(engine), clock }
}

/// Makes a network, a config and a secret that are of no stack.
async fn make_foreign(engine: &Engine) {
    let file = json!({ "Name": "taken", "Data": "YQ==", "Labels": {} });
    let network = json!({ "Name": "taken", "Driver": "overlay", "Labels": {} });
    for (kind, body) in [("configs", file.clone()), ("secrets", file), ("networks", network)] {
        engine.call(Call::post(format!("/{kind}/create"), body)).await.unwrap();
    }
}

/// The configs and secrets that hold something else than they should.
async fn untrue(cluster: &Cluster, desired: &Stack) -> BTreeSet<String> {
    let observed = cluster.swarm.observe(&desired.name).await.unwrap();
    let mut untrue = cluster.swarm.changed_secrets(desired, &observed).await;
    for (name, config) in &desired.configs {
        let Config::Own { content, .. } = config else { continue };
        let hash = observed.configs.get(name).and_then(|there| there.content.as_ref());
        if hash.is_some_and(|hash| *hash != hex::encode(Sha256::digest(content))) {
            untrue.insert(name.clone());
        }
    }
    untrue
}

/// Deploys a stack, and checks that it was refused for what was foretold, or is there as it should be.
async fn deployed(cluster: &Cluster, world: &World, desired: Stack) -> Result<(), TestCaseError> {
    let history = cluster.history(&desired.name).await.unwrap();
    let observed = cluster.swarm.observe(&desired.name).await.unwrap();
    let (_, found): (Plan, _) = cluster.preflight(&desired, &history, &observed).await;
    let foretold = found.refusals(Consent::default());
    let name = desired.name.clone();
    let written = world.calls().len();
    match cluster.propose(&Lease::of_command(), Proposal::new(Origin::unknown(), Cause::Command, desired.clone())).await
    {
        Err(Error::Obstructed { obstacles, .. }) => {
            prop_assert_eq!(obstacles, foretold);
            prop_assert_eq!(world.calls().len(), written, "a refusal writes nothing");
        }
        Err(error) => prop_assert!(false, "refused for what no plan has said: {error}"),
        Ok(proposed) => {
            prop_assert!(foretold.is_empty(), "a plan objects to what is deployed: {foretold:?}");
            if let Accepted::Rolling(release) = proposed.accepted {
                let mut rollout = Rollout::new(cluster.clone(), Lease::of_command(), name);
                for _ in 0..60 {
                    let (_, history) = rollout.round(&EventSender::nowhere()).await.unwrap();
                    if history.outcome(release).is_some() {
                        break;
                    }
                    world.advance(Duration::from_secs(1));
                }
            }
            prop_assert_eq!(untrue(cluster, &desired).await, BTreeSet::new(), "it is told as deployed");
        }
    }
    let refused: Vec<String> = world.refusals().into_iter().filter(|words| !words.contains("in use by")).collect();
    prop_assert_eq!(refused, Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_plan_does_not_object_to_is_accepted(versions in versions()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::with_nodes(2);
            let cluster = cluster(&world);
            make_foreign(&Engine::Simulated(world.clone())).await;
            for text in versions {
                if let Some(stack) = stack(&text) {
                    deployed(&cluster, &world, stack).await?;
                }
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

/// Found by the property above: of two versions that differ in nothing else.
#[tokio::test]
async fn a_secret_whose_name_stays_cannot_get_another_content() {
    let world = World::with_nodes(2);
    let cluster = cluster(&world);
    let version = |key: &str| {
        let secret = format!("secrets: {{ key: {{ name: own, file: {key} }} }}");
        stack(&format!("x-skep: {{ stable: 0s }}\nservices: {{ web: {{ image: \"app:1\" }} }}\n{secret}\n")).unwrap()
    };
    for same in [version("one.txt"), version("one.txt")] {
        deployed(&cluster, &world, same).await.unwrap();
    }
    let changed = version("two.txt");
    deployed(&cluster, &world, changed.clone()).await.unwrap();
    let proposal = Proposal::new(Origin::unknown(), Cause::Command, changed);
    let refused = cluster.propose(&Lease::of_command(), proposal).await.unwrap_err().to_string();
    insta::assert_snapshot!(refused, @"secrets.own: the secret `own` has other contents, and Swarm cannot change a secret; remove its `name`, so that new contents make a new secret, or give it another `name`");
}
