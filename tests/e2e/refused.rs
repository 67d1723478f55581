//! Pushes that are refused before anything is changed.

use insta::assert_snapshot;

use crate::harness::repository::{Push, Repository};
use crate::harness::stacks::quiet;
use crate::harness::{IMAGE, Lab, swarm};

/// Pushes a good version and then what `spoil` makes of it; what the pusher reads, but for the lines of builds. Nothing
/// may have changed.
fn refusal(name: &str, spoil: impl FnOnce(&Repository)) -> Option<String> {
    refused(name, spoil).map(|push| push.told())
}

fn refused(name: &str, spoil: impl FnOnce(&Repository)) -> Option<Push> {
    let lab = Lab::open()?;
    let shop = lab.repository(name);
    assert!(shop.write("stack.yml", quiet("1000")).commit("Open").push().accepted);
    let (before, good) = (swarm::everything(&shop.name), shop.deployed());
    spoil(&shop);
    let push = shop.commit("Spoil it").push();
    assert!(!push.accepted, "{}", push.output);
    assert_eq!(swarm::everything(&shop.name), before);
    assert_eq!(shop.deployed(), good);
    Some(push)
}

#[test]
fn a_broken_dockerfile_is_refused() {
    let told = refusal("dockerfile", |shop| {
        shop.write("stack.yml", "services: { web: { build: . } }\n").write("Dockerfile", "FORM scratch\nCOPY . /\n");
    });
    let Some(told) = told else { return };
    assert_snapshot!(told, @"
    checking COMMIT Spoil it
    Dockerfile:1:1: error[DL1000]: `FORM` is not an instruction
      1 | FORM scratch
        | ^^^^
      help: did you mean `FROM`?
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn a_broken_stack_file_is_refused() {
    let told = refusal("stack-file", |shop| {
        shop.write(
            "stack.yml",
            format!("services:\n  web:\n    image: {IMAGE}\n    prots: [80]\n    deploy: {{ replicas: many }}\n"),
        );
    });
    let Some(told) = told else { return };
    assert_snapshot!(told, @"
    checking COMMIT Spoil it
    stack.yml:4:5: error[SK1001]: a service has no key `prots`
      4 |     prots: [80]
        |     ^^^^^
      help: did you mean `ports`?
    stack.yml:5:25: error[SK1001]: `replicas` must be a whole number, but is `many`
      5 |     deploy: { replicas: many }
        |                         ^^^^
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn an_undefined_network_is_refused() {
    let told = refusal("network", |shop| {
        shop.write(
            "stack.yml",
            format!("services:\n  web:\n    image: {IMAGE}\n    networks: [fornt]\nnetworks: {{ front: {{}} }}\n"),
        );
    });
    let Some(told) = told else { return };
    assert_snapshot!(told, @"
    checking COMMIT Spoil it
    stack.yml:4:16: error[SK1003]: there is no network `fornt` in this file
      4 |     networks: [fornt]
        |                ^^^^^
      help: did you mean `front`?
    the push is refused, nothing was changed
    (refused)
    ");
}

#[test]
fn an_image_whose_build_fails_is_refused() {
    let push = refused("build", |shop| {
        shop.write("stack.yml", "services: { web: { build: . } }\n");
        shop.write("Dockerfile", format!("FROM {IMAGE}\nRUN echo compiling; echo no such header; exit 2\n"));
    });
    let Some(push) = push else { return };
    assert!(push.output.contains("web | #5 no such header"), "{}", push.output);
    assert_snapshot!(push.told(), @"
    checking COMMIT Spoil it
    skep-e2e-build was not deployed: the image of `web` could not be built: executor failed running [/bin/sh -c echo compiling; echo no such header; exit 2]: exit code: 2
    (refused)
    ");
}

#[test]
fn an_image_whose_test_fails_is_refused() {
    let push = refused("test", |shop| {
        let test = r#"{ test: [sh, -c, "echo 1 of 2 failed; exit 1"] }"#;
        shop.write("stack.yml", format!("services: {{ web: {{ build: ., x-skep: {test} }} }}\n"));
        shop.write("Dockerfile", format!("FROM {IMAGE}\n"));
    });
    let Some(push) = push else { return };
    assert!(push.output.contains("web | 1 of 2 failed"), "{}", push.output);
    assert_snapshot!(push.told(), @"
    checking COMMIT Spoil it
    skep-e2e-test was not deployed: the test of `web` failed in the built image with exit code 1
    (refused)
    ");
}
