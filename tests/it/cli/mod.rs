//! What a person sees of each command: exit code, results, and everything else. One file a command.

mod adopt;
mod build_log;
mod commands;
mod deploy;
mod engine;
mod explain;
mod history;
mod hook;
mod layouts;
mod lint;
mod logs;
mod lsp;
mod plan;
mod ps;
mod remove;
mod render;
mod rollback;
mod secrets;
pub(crate) mod serve;
mod status;
mod variables;

use std::time::Duration;

use skep::engine::simulated::Behaviour;

use crate::harness::sandbox::Sandbox;

/// A folder `shop` with a stack of one service, which has to stay up for one round.
fn shop(image: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    write(&sandbox, image);
    sandbox
}

fn write(sandbox: &Sandbox, image: &str) {
    let file = format!(
        "x-skep: {{ stable: 1ms }}\nservices:\n  web:\n    image: {image}\n    healthcheck: {{ test: [CMD, check] }}\n    \
         deploy: {{ replicas: 2 }}\n"
    );
    sandbox.write("shop/stack.yml", &file);
}

/// A folder whose second version was not healthy.
fn shop_that_went_back() -> Sandbox {
    let sandbox = shop("app:1");
    sandbox.run(&["deploy", "shop"]);
    crashes(&sandbox, "app:2");
    write(&sandbox, "app:2");
    sandbox.run(&["deploy", "shop"]);
    sandbox
}

fn crashes(sandbox: &Sandbox, image: &str) {
    sandbox.world.script(image, Behaviour::Crash { exit_code: 1, after: Duration::ZERO });
    sandbox.world.log("shop_web", &["listening on :80", "panic: no database"]);
}
