//! Changes made by hand: healed without a push.

use crate::harness::command::output;
use crate::harness::stacks::{SWIFT, service};
use crate::harness::waiting::{SOON, wait_until};
use crate::harness::{Lab, swarm};

#[test]
fn what_is_changed_or_removed_by_hand_comes_back() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("drifting");
    let file = format!("{}services:\n{}", SWIFT.replace("{ ", "{ drift: heal, "), service("web", "[sleep, \"1000\"]"));
    assert!(shop.write("stack.yml", file).commit("Open").push().accepted);
    let web = format!("{}_web", shop.name);

    output("docker", &["service", "update", "--detach", "--quiet", "--args", "sleep 2000", &web]);
    wait_until("it is changed back", SOON, || swarm::arguments(&web) == "sleep 1000");

    output("docker", &["service", "rm", &web]);
    wait_until("it is back", SOON, || swarm::services(&shop.name) == [web.clone()]);
}
