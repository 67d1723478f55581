//! What is in the swarm, as the docker CLI shows it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::command::{attempt, output};
use super::waiting::{SOON, wait_until};

const NAMESPACE: &str = "com.docker.stack.namespace";

/// All stacks of the tests have names that begin so.
pub(crate) const PREFIX: &str = "skep-e2e-";

/// The full names of a stack's services.
pub(crate) fn services(stack: &str) -> Vec<String> {
    listed("service", stack, "{{.Name}}")
}

/// What a service is, as `docker service inspect` shows it.
pub(crate) fn service(name: &str) -> Value {
    inspected("service", name)
}

/// The first of the arguments of a service's container, as far as they say which version it is.
pub(crate) fn arguments(name: &str) -> String {
    let arguments = &service(name)["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"];
    let words = arguments.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}

/// The containers of a service that run.
pub(crate) fn containers(service: &str) -> Vec<String> {
    let label = format!("label=com.docker.swarm.service.name={service}");
    lines(&output("docker", &["ps", "--quiet", "--no-trunc", "--filter", &label]))
}

/// Waits until every task of a stack is where Swarm wants it, alone in its place: a verdict may come while one that failed
/// still ends, or is about to.
pub(crate) fn wait_until_at_rest(stack: &str) {
    let is_running = |state: &Value| *state == "running";
    let is_over = |state: &Value| {
        ["complete", "shutdown", "failed", "rejected", "remove", "orphaned"].iter().any(|it| state == it)
    };
    let is_at_rest = |task: &Value| {
        let (desired, state) = (&task["DesiredState"], &task["Status"]["State"]);
        if is_running(desired) { is_running(state) } else { is_over(state) }
    };
    wait_until(&format!("the tasks of {stack} are at rest"), SOON, || {
        services(stack).iter().map(|service| tasks(service)).all(|tasks| {
            let places =
                || tasks.iter().filter(|task| is_running(&task["DesiredState"])).map(|task| task["Slot"].as_u64());
            tasks.iter().all(is_at_rest) && places().collect::<BTreeSet<_>>().len() == places().count()
        })
    });
}

fn tasks(service: &str) -> Vec<Value> {
    let shown = attempt("docker", &["service", "ps", "--quiet", "--no-trunc", service]);
    let ids = lines(&String::from_utf8(shown.stdout).unwrap());
    ids.iter().map(|id| inspected("task", id)).collect()
}

/// How many tasks of a service have failed with this among the arguments of their container.
pub(crate) fn failed_with(service: &str, argument: &str) -> usize {
    let has_failed = |task: &Value| {
        let arguments = task["Spec"]["ContainerSpec"]["Args"].to_string();
        task["Status"]["State"] == "failed" && arguments.contains(argument)
    };
    tasks(service).into_iter().filter(has_failed).count()
}

/// Everything of a stack, its records included, each with its version: the same text, the same state.
pub(crate) fn everything(stack: &str) -> String {
    // At the end of its own update Swarm writes the service once more, some seconds after the last task runs.
    let is_updating = |name: &String| {
        let state = inspected("service", name)["UpdateStatus"]["State"].clone();
        ["updating", "rollback_started"].iter().any(|ongoing| state == *ongoing)
    };
    wait_until("Swarm's own updates have ended", SOON, || !services(stack).iter().any(is_updating));
    let versioned = |kind: &str, names: Vec<String>| {
        let version = |name: &String| format!("{kind} {name} {}", inspected(kind, name)["Version"]["Index"]);
        names.iter().map(version).collect::<Vec<_>>()
    };
    let mut all = versioned("service", services(stack));
    all.extend(versioned("config", configs(stack)));
    all.extend(versioned("secret", listed("secret", stack, "{{.Name}}")));
    all.extend(networks(stack).into_iter().map(|name| format!("network {name}")));
    all.sort();
    all.join("\n")
}

/// What of a stack runs: its services, each with its command, configs and networks, and the stack's networks.
pub(crate) fn inventory(stack: &str) -> Vec<String> {
    let mut all: Vec<String> = services(stack).iter().map(|name| described(name)).collect();
    all.extend(networks(stack).iter().map(|name| format!("network {name}")));
    all.sort();
    all
}

fn described(name: &str) -> String {
    let task = &service(name)["Spec"]["TaskTemplate"];
    let configs = task["ContainerSpec"]["Configs"].as_array().into_iter().flatten();
    let configs: Vec<_> = configs.filter_map(|config| config["ConfigName"].as_str()).collect();
    let networks = task["Networks"].as_array().into_iter().flatten();
    let networks: Vec<_> = networks.filter_map(|network| network["Aliases"].as_array()).flatten().collect();
    format!("service {name}: {}, configs {configs:?}, in {} network", arguments(name), networks.len())
}

/// The stack's networks.
pub(crate) fn networks(stack: &str) -> Vec<String> {
    listed("network", stack, "{{.Name}}")
}

/// The stack's configs, and its records.
pub(crate) fn configs(stack: &str) -> Vec<String> {
    let mut all = listed("config", stack, "{{.Name}}");
    all.extend(records(stack));
    all
}

/// The records of the stack's releases.
pub(crate) fn records(stack: &str) -> Vec<String> {
    let record = format!("skep.{stack}.");
    let found = output("docker", &["config", "ls", "--filter", &format!("name={record}"), "--format", "{{.Name}}"]);
    lines(&found).into_iter().filter(|name| name.starts_with(&record)).collect()
}

/// The records of commits of the repository of this name, in whatever scope.
fn intents(repository: &str) -> Vec<String> {
    let own = |recorded: &str| recorded.split_once(':').map_or(recorded, |(_, own)| own) == repository;
    configs_whose("skep.repository", own)
}

/// Removes what controllers have recorded whose scopes begin so.
pub(crate) fn remove_notes(scope: &str) {
    for name in configs_whose("skep.scope", |there| there.starts_with(scope)) {
        attempt("docker", &["config", "rm", &name]);
    }
}

/// The names of the configs for whose label of this name something is so.
fn configs_whose(label: &str, is_so: impl Fn(&str) -> bool) -> Vec<String> {
    let (filter, format) = (format!("label={label}"), format!("{{{{.Name}}}} {{{{.Label {label:?}}}}}"));
    let found = attempt("docker", &["config", "ls", "--filter", &filter, "--format", &format]).stdout;
    let found = String::from_utf8_lossy(&found);
    let pairs = found.lines().filter_map(|line| line.split_once(' '));
    pairs.filter(|(_, value)| is_so(value)).map(|(name, _)| name.to_owned()).collect()
}

/// Removes a stack's records, and then the stack, and comes back when nothing is left of it.
pub(crate) fn remove(stack: &str) {
    wait_until(&format!("nothing is left of {stack}"), SOON, || {
        let left = [
            ("config", records(stack)),
            ("config", intents(stack)),
            ("service", services(stack)),
            ("network", networks(stack)),
        ];
        let files = [("config", configs(stack)), ("secret", listed("secret", stack, "{{.Name}}"))];
        let left: Vec<_> = left.into_iter().chain(files).filter(|(_, names)| !names.is_empty()).collect();
        for (kind, names) in &left {
            // What is still in use goes with the next look.
            attempt(
                "docker",
                &[&[*kind, "rm"], names.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat(),
            );
        }
        left.is_empty() && !has_containers(stack)
    });
    // Those of this engine, and those with a registry's host and path before them.
    let named = [format!("reference=*/{stack}/*"), format!("reference=*/*/{stack}/*")];
    let images = output("docker", &["image", "ls", "--filter", &named[0], "--filter", &named[1], "--format", NAMED]);
    for image in lines(&images) {
        attempt("docker", &["image", "rm", "--force", &image]);
    }
}

const NAMED: &str = "{{.Repository}}:{{.Tag}}";

fn has_containers(stack: &str) -> bool {
    let label = format!("label={NAMESPACE}={stack}");
    !output("docker", &["ps", "--all", "--quiet", "--filter", &label]).is_empty()
}

/// The stacks that a run of the tests left when it was killed.
pub(crate) fn leftovers() -> Vec<String> {
    let labels = format!("{{{{index .Spec.Labels \"{NAMESPACE}\"}}}}");
    let ids = lines(&output("docker", &["service", "ls", "--quiet"]));
    let mut stacks: Vec<String> = ids
        .iter()
        .filter_map(|id| {
            String::from_utf8(attempt("docker", &["service", "inspect", "--format", &labels, id]).stdout).ok()
        })
        .map(|name| name.trim().to_owned())
        .collect();
    for name in lines(&output("docker", &["config", "ls", "--format", "{{.Name}}"])) {
        stacks.extend(name.strip_prefix("skep.").and_then(|rest| rest.split('.').next()).map(str::to_owned));
    }
    for name in lines(&output("docker", &["network", "ls", "--format", "{{.Name}}"])) {
        stacks.extend(name.split_once('_').map(|(stack, _)| stack.to_owned()));
    }
    stacks.retain(|name| name.starts_with(PREFIX));
    stacks.sort();
    stacks.dedup();
    stacks
}

fn listed(kind: &str, stack: &str, format: &str) -> Vec<String> {
    let label = format!("label={NAMESPACE}={stack}");
    lines(&output("docker", &[kind, "ls", "--filter", &label, "--format", format]))
}

/// What is gone by now is null.
fn inspected(kind: &str, name: &str) -> Value {
    let shown = match kind {
        "task" => attempt("docker", &["inspect", "--type", "task", name]),
        kind => attempt("docker", &[kind, "inspect", name]),
    };
    let found: Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
    found[0].clone()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
