//! Images in a real registry.

use insta::assert_snapshot;

use crate::harness::registry::Registry;
use crate::harness::stacks::SWIFT;
use crate::harness::{IMAGE, Lab, swarm};

#[test]
fn images_are_pushed_to_the_registry_and_run_by_digest() {
    let registry = Registry::start();
    let settings = format!("registry: {{ prefix: {}/apps, insecure: true }}\n", registry.host);
    let Some(lab) = Lab::alone(&settings) else { return };
    let shop = lab.repository("pushed");
    shop.write("web/Dockerfile", format!("FROM {IMAGE}\nCOPY page /page\n")).write("web/page", "one").write(
        "stack.yml",
        format!("{SWIFT}services:\n  web:\n    build: web\n    command: [httpd, -f]\n    stop_signal: SIGKILL\n"),
    );
    let push = shop.commit("Open").push();
    assert_snapshot!(push.told(), @"
    checking COMMIT Open
      web: built HOST/apps/skep-e2e-pushed/web:KEY@DIGEST in N s
    skep-e2e-pushed r1 rolls out
      + network skep-e2e-pushed_default
      + service web
    skep-e2e-pushed r1 is deployed
    ");
    assert_snapshot!(registry.catalog(), @r#"{"repositories":["apps/skep-e2e-pushed/web"]}"#);
    let service = swarm::service(&format!("{}_web", shop.name));
    let image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"].as_str().unwrap();
    let (name, digest) = image.split_once('@').unwrap();
    assert!(name.starts_with(&format!("{}/apps/{}/web:", registry.host, shop.name)), "{name}");
    assert!(digest.starts_with("sha256:"), "{digest}");

    let again = shop.write("README.md", "What it is\n").commit("Explain").push();
    assert_snapshot!(again.told(), @"
    checking COMMIT Explain
      web: HOST/apps/skep-e2e-pushed/web:KEY@DIGEST already exists
    skep-e2e-pushed r1 already runs: nothing to do
    ");
}
