//! The course's application, as a person would write it for Docker Compose.

use crate::harness::command::{attempt, output};
use crate::harness::controller::free_port;
use crate::harness::waiting::{SOON, wait_for};
use crate::harness::{Lab, web};

#[test]
fn the_python_app_counts_visits_and_keeps_them_over_a_second_push() {
    let Some(lab) = Lab::open() else { return };
    if !attempt("docker", &["image", "inspect", "python:3.11-slim", "nginx:1.27", "redis:7"]).status.success() {
        output(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/images.sh"), &["all"]);
    }
    let (shop, port) = (lab.repository("python"), free_port());
    shop.copy("examples/python-app");
    let compose = std::fs::read_to_string(shop.path("docker-compose.yml")).unwrap();
    shop.write("docker-compose.yml", compose.replace("published: 8081", &format!("published: {port}")));
    let push = shop.commit("Count visits").push();
    assert!(push.accepted, "{}", push.output);
    let visit = || {
        let url = format!("http://127.0.0.1:{port}/");
        wait_for("nginx answers", SOON, || web::get(&url).ok().filter(|answer| answer.status == 200)).body
    };
    assert!(visit().starts_with("Hello from the swarm: visit 1, "));
    assert!(visit().starts_with("Hello from the swarm: visit 2, "));
    let data = lab.folder.join("data").join(&shop.name).join("db");
    assert!(data.join("appendonlydir").exists() || data.join("appendonly.aof").exists(), "{}", data.display());

    shop.write("app.env", "REDIS_HOST=db\nGREETING=Welcome back\n");
    let push = shop.commit("Greet better").push();
    assert!(push.accepted, "{}", push.output);
    let greeted = visit();
    assert!(greeted.starts_with("Welcome back: visit 3, "), "{greeted}");
}
