//! What a deploy costs in requests: as much as it changes, however large the stack and the swarm are.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::clock::Clock;
use super::cluster::{Accepted, Cluster, Proposal};
use super::events::EventSender;
use super::observer::Observer;
use super::rollout::{Attempt, Next, Rollout};
use crate::engine::Engine;
use crate::engine::simulated::World;
use crate::lease::Lease;
use crate::probe::Prober;
use crate::release::{Cause, Origin};
use crate::stack::{Nanos, Service, Stack};
use crate::store::Store;
use crate::swarm::Swarm;

fn cluster(world: &World) -> Cluster {
    let engine = Engine::Simulated(world.clone());
    let clock = Clock::Simulated(world.clone());
    Cluster { swarm: Swarm::new(engine.clone()), store: Store::new(engine.clone()), prober: Prober::new(engine), clock }
}

/// A stack of so many services, the first `changed` of which run another image.
fn stack(name: &str, services: usize, changed: usize) -> Stack {
    let mut stack = Stack::empty(name.parse().unwrap());
    stack.settings.stable = Nanos(0);
    for nth in 0..services {
        let image = if nth < changed { "app:2" } else { "app:1" };
        let service = Service { image: image.into(), ..Service::default() };
        stack.services.insert(format!("web{nth}").parse().unwrap(), service);
    }
    stack
}

fn proposal(desired: Stack) -> Proposal {
    Proposal::new(Origin::unknown(), Cause::Command, desired)
}

/// Proposes a stack, and makes rounds until it is promoted.
async fn deploy(cluster: &Cluster, desired: Stack) {
    let name = desired.name.clone();
    let Accepted::Rolling(release) = cluster.propose(&Lease::of_command(), proposal(desired)).await.unwrap().accepted
    else {
        return;
    };
    let mut rollout = Rollout::new(cluster.clone(), Lease::of_command(), name);
    loop {
        let (next, history) = rollout.round(&EventSender::nowhere()).await.unwrap();
        if history.outcome(release).is_some() {
            return;
        }
        cluster.clock.wait(next.pause()).await;
    }
}

/// A swarm with so many stacks of one service, and `shop` with `services` of them.
async fn swarm(others: usize, services: usize) -> (World, Cluster) {
    let world = World::new();
    let cluster = cluster(&world);
    for nth in 0..others {
        deploy(&cluster, stack(&format!("other{nth}"), 1, 0)).await;
    }
    deploy(&cluster, stack("shop", services, 0)).await;
    world.forget_calls();
    (world, cluster)
}

/// The requests from a proposal of `shop` until its first round has written, and the services that were written.
async fn requests_until_written(others: usize, services: usize, changed: usize) -> (u64, usize) {
    let (world, cluster) = swarm(others, services).await;
    let before = world.requests();
    cluster.propose(&Lease::of_command(), proposal(stack("shop", services, changed))).await.unwrap();
    Rollout::new(cluster, Lease::of_command(), "shop".parse().unwrap()).round(&EventSender::nowhere()).await.unwrap();
    (world.requests() - before, written(&world))
}

/// How many services were written.
fn written(world: &World) -> usize {
    world.calls().iter().filter(|write| write.path.starts_with("/services")).count()
}

#[tokio::test]
async fn a_change_costs_what_it_changes_however_large_the_stack_and_the_swarm_are() {
    let (alone, written) = requests_until_written(0, 1, 1).await;
    assert_eq!(written, 1);
    assert_eq!(requests_until_written(0, 30, 1).await, (alone, 1));
    assert_eq!(requests_until_written(20, 1, 1).await, (alone, 1));
    assert_eq!(requests_until_written(0, 30, 20).await, (alone + 19, 20), "each service is one request");
    assert!(alone <= 24, "{alone} requests for one service");
}

#[tokio::test]
async fn a_stack_that_stays_as_it_is_is_looked_at_once_and_nothing_around_it() {
    let (world, cluster) = swarm(3, 5).await;
    let before = world.requests();
    let proposed = cluster.propose(&Lease::of_command(), proposal(stack("shop", 5, 0))).await.unwrap();
    assert!(matches!(proposed.accepted, Accepted::Unchanged(_)));
    assert_eq!(world.requests() - before, 8, "its releases, and seven lists");
}

#[tokio::test]
async fn a_free_slot_is_taken_with_the_first_look_and_without_one_nothing_is_written() {
    let (world, cluster) = swarm(0, 1).await;
    cluster.propose(&Lease::of_command(), proposal(stack("shop", 1, 1))).await.unwrap();
    let (slots, nobody) = (Arc::new(Semaphore::new(0)), EventSender::nowhere());
    let mut rollout =
        Rollout::of_many(cluster, Lease::of_command(), "shop".parse().unwrap(), Observer::default(), slots.clone());
    let (next, _) = rollout.round(&nobody).await.unwrap();
    assert_eq!((next, written(&world)), (Next::Slot, 0));
    slots.add_permits(1);
    let (next, _) = rollout.round(&nobody).await.unwrap();
    assert_eq!((next, written(&world), slots.available_permits()), (Next::Soon, 1, 0));
}

/// The requests of a whole rollout of `shop`, which has to stay healthy for a minute, and the seconds that it takes.
async fn whole_rollout(others: usize) -> (u64, i64) {
    let (world, cluster) = swarm(others, 1).await;
    let (before, begun) = (world.requests(), cluster.clock.now());
    let mut desired = stack("shop", 1, 1);
    desired.settings.stable = Nanos(60_000_000_000);
    let Accepted::Rolling(release) = cluster.propose(&Lease::of_command(), proposal(desired)).await.unwrap().accepted
    else {
        panic!("it is new")
    };
    let mut rollout = Rollout::new(cluster.clone(), Lease::of_command(), "shop".parse().unwrap());
    loop {
        let Attempt { history, pause, .. } = rollout.attempt(&EventSender::nowhere()).await;
        if history.is_some_and(|history| history.outcome(release).is_some()) {
            return (world.requests() - before, cluster.clock.now().duration_since(begun).as_secs());
        }
        cluster.clock.wait(pause).await;
    }
}

#[tokio::test]
async fn a_rollout_costs_the_same_beside_a_hundred_stacks_as_alone() {
    let (requests, seconds) = whole_rollout(99).await;
    assert_eq!(whole_rollout(0).await, (requests, seconds));
    assert!(requests <= 1200 && seconds <= 65, "{requests} requests in {seconds} s");
}
