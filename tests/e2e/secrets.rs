//! Secrets from encrypted files.

use crate::harness::command::output;
use crate::harness::stacks::{SWIFT, service};
use crate::harness::{Lab, swarm};

const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sops/key.txt");
const DATABASE: &str = include_str!("../sops/encrypted/all.yaml");
/// The other one, which has another password; a part of both.
const SOME: &str = include_str!("../sops/encrypted/password.yaml");
const PLAIN: &str = "hunter2-plain";

#[test]
fn an_encrypted_secret_reaches_its_container_and_no_log() {
    let Some(lab) = Lab::alone(&format!("sops: {{ age_key_file: {KEY} }}\n")) else { return };
    let shop = lab.repository("sealed");
    let web = service("web", "[sleep, \"1000\"]");
    let stack = |key: &str| {
        format!(
            "{SWIFT}services:\n{web}    secrets: [password]\nsecrets:\n  password: {{ file: ./database.enc.yaml, \
             x-skep: {{ key: {key} }} }}\n"
        )
    };
    let read = || {
        let container = swarm::containers(&format!("{}_web", shop.name)).remove(0);
        output("docker", &["exec", &container, "/bin/busybox", "cat", "/run/secrets/password"])
    };
    let first =
        shop.write("stack.yml", stack("database.password")).write("database.enc.yaml", DATABASE).commit("Open").push();
    assert!(first.accepted, "{}", first.output);
    assert_eq!(read(), PLAIN);

    let second = shop.write("stack.yml", stack("password")).write("database.enc.yaml", SOME).commit("Change it").push();
    assert!(second.accepted, "{}", second.output);
    assert!(second.output.contains("secrets"), "a plan says that it changed: {}", second.output);
    assert_eq!(read(), PLAIN);

    let tampered = SOME.replace("type:str]", "type:int]");
    let third = shop.write("database.enc.yaml", tampered).commit("Tamper with it").push();
    assert!(!third.accepted && third.output.contains("was changed after it was encrypted"), "{}", third.output);

    let records = output("docker", &["config", "ls", "--quiet", "--filter", "label=skep.record"]);
    let records: Vec<&str> = records.split_whitespace().collect();
    let records = output("docker", &[&["config", "inspect"], &records[..]].concat());
    let shown = [first.output, second.output, third.output, lab.log(), lab.status(&shop), records];
    assert!(!shown.iter().any(|text| text.contains(PLAIN)), "{shown:?}");
}
