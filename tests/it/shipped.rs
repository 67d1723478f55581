//! The files that skep is shipped with: linted, rendered and planned as a user's own.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use skep::engine::simulated::Behaviour;

use crate::harness::sandbox::{Sandbox, skep};

/// What the demo compiles and puts beside a Dockerfile.
const COMPILED: [&str; 3] = ["deploy/skep", "examples/front/front", "examples/hello/hello"];

/// A sandbox with every folder that we ship and that has a stack file, by name.
fn shipped() -> (Sandbox, Vec<String>) {
    let (sandbox, root) = (Sandbox::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut folders = vec![root.join("deploy")];
    for parent in ["examples", "stacks"] {
        folders.extend(entries(&root.join(parent)));
    }
    folders.retain(|folder| ["stack.yml", "docker-compose.yml"].iter().any(|name| folder.join(name).exists()));
    let name = |folder: PathBuf| folder.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = folders.into_iter().map(name).collect();
    names.sort();
    for name in &names {
        copy(&root.join(name), &sandbox.path().join(name));
    }
    for path in COMPILED {
        sandbox.write(path, "");
    }
    (sandbox, names)
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in entries(from) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            std::fs::copy(&entry, target).unwrap();
        }
    }
}

/// The exit code of a command in each folder, and what is told of its results.
fn of_each(command: &[&str], told: impl Fn(&str) -> String) -> String {
    let (sandbox, names) = shipped();
    let line = |name: &String| {
        let output = skep(&sandbox.host(), sandbox.path(), &[command, &[name]].concat());
        let result = String::from_utf8(output.stdout).unwrap();
        format!("{name}: exit code {}{}", output.status.code().unwrap(), told(&result))
    };
    names.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn none_has_an_error() {
    assert_snapshot!(of_each(&["lint"], |_| String::new()), @"
deploy: exit code 0
examples/front: exit code 0
examples/hello: exit code 0
examples/python-app: exit code 0
stacks/registry: exit code 0
stacks/traefik: exit code 0
stacks/whoami: exit code 0
");
}

#[test]
fn each_is_rendered_to_a_file_that_says_the_same() {
    let rendered = of_each(&["render", "--stack", "it"], |file| {
        let sandbox = Sandbox::new();
        sandbox.write("it/stack.yml", file);
        // What was built is on the engine when the file is used.
        let images = file.lines().filter_map(|line| line.trim().strip_prefix("image: "));
        images.for_each(|image| sandbox.world.script(image.trim_matches('"'), Behaviour::Healthy));
        let again = skep(&sandbox.host(), sandbox.path(), &["render", "it", "--as-written"]);
        let without_remarks = |text: &str| {
            text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect::<String>()
        };
        let same = without_remarks(&String::from_utf8(again.stdout).unwrap()) == without_remarks(file);
        format!(", {} lines, the same when rendered again: {same}", file.lines().count())
    });
    assert_snapshot!(rendered, @"
    deploy: exit code 0, 87 lines, the same when rendered again: true
    examples/front: exit code 0, 35 lines, the same when rendered again: true
    examples/hello: exit code 0, 36 lines, the same when rendered again: true
    examples/python-app: exit code 0, 104 lines, the same when rendered again: true
    stacks/registry: exit code 0, 68 lines, the same when rendered again: true
    stacks/traefik: exit code 0, 72 lines, the same when rendered again: true
    stacks/whoami: exit code 0, 40 lines, the same when rendered again: true
    ");
}

#[test]
fn each_is_planned_on_an_empty_swarm() {
    let summary = |plan: &str| {
        let summary = plan.lines().find(|line| line.contains("unchanged"));
        format!(", {}", summary.unwrap_or_default())
    };
    assert_snapshot!(of_each(&["plan", "--stack", "it"], summary), @"
    deploy: exit code 1, 3 to create, 0 to change, 0 to remove, 0 unchanged
    examples/front: exit code 1, 1 to create, 0 to change, 0 to remove, 0 unchanged
    examples/hello: exit code 2, 2 to create, 0 to change, 0 to remove, 0 unchanged
    examples/python-app: exit code 2, 5 to create, 0 to change, 0 to remove, 0 unchanged
    stacks/registry: exit code 1, 2 to create, 0 to change, 0 to remove, 0 unchanged
    stacks/traefik: exit code 2, 2 to create, 0 to change, 0 to remove, 0 unchanged
    stacks/whoami: exit code 1, 2 to create, 0 to change, 0 to remove, 0 unchanged
    ");
}
