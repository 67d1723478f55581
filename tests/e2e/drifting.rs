//! Changes made by hand: seen by the engine's events, and healed at once.

use std::time::Duration;

use crate::harness::command::output;
use crate::harness::stacks::{SWIFT, service};
use crate::harness::waiting::{SOON, timed, wait_for};
use crate::harness::{Lab, swarm};

#[test]
fn what_is_changed_or_removed_by_hand_is_back_at_once() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("drifting");
    let file = format!("{}services:\n{}", SWIFT.replace("{ ", "{ drift: heal, "), service("web", "[sleep, \"1000\"]"));
    assert!(shop.write("stack.yml", file).commit("Open").push().accepted);
    let web = format!("{}_web", shop.name);

    output("docker", &["service", "update", "--detach", "--quiet", "--args", "sleep 2000", &web]);
    let as_pushed = || (swarm::arguments(&web) == "sleep 1000").then_some(());
    let ((), took) = timed(|| wait_for("it is changed back", SOON, as_pushed));
    assert!(took < Duration::from_secs(10), "{took:?}");

    output("docker", &["service", "rm", &web]);
    let is_back = || (swarm::services(&shop.name) == [web.clone()]).then_some(());
    let ((), took) = timed(|| wait_for("it is back", SOON, is_back));
    assert!(took < Duration::from_secs(10), "{took:?}");
}
