//! A stack that is taken away while its controller runs.

use insta::assert_snapshot;

use crate::harness::stacks::service;
use crate::harness::{Lab, swarm};

#[test]
fn a_stack_that_heals_is_removed_and_its_data_stays() {
    let Some(lab) = Lab::open() else { return };
    let shop = lab.repository("removed");
    let (db, web) = (service("db", "[sleep, \"1000\"]"), service("web", "[sleep, \"1000\"]"));
    let text = format!(
        "x-skep: {{ stable: 1s, drift: heal }}\nservices:\n{db}    configs: [page]\n{web}    depends_on: [db]\n\
         configs: {{ page: {{ content: hello }} }}\n"
    );
    assert!(shop.write("stack.yml", text).commit("Open").push().accepted);
    assert_snapshot!(lab.skep(&["remove", &shop.name, "--yes"]), @"
    stack skep-e2e-removed
    - service db
    - service web
    - network skep-e2e-removed_default
    - config skep-e2e-removed_page-2cf24dba5fb0
    volumes, folders and external objects are kept
    ");
    assert_eq!(swarm::everything(&shop.name), "");
    assert_snapshot!(lab.skep(&["remove", &shop.name, "--yes"]), @"");
    let push = shop.commit("Open again").push();
    assert!(push.accepted, "{}", push.told());
    assert_eq!(swarm::services(&shop.name).len(), 2);
}
