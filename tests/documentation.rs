//! Every stack file that the documentation shows is one that can be deployed.
#![expect(clippy::unwrap_used, reason = "a page that cannot be read fails the test, with its message")]

use std::collections::BTreeMap;
use std::fs;

use skep::diagnostic::{self, Severity};
use skep::lint;
use skep::render::{self, Inputs};
use skep::revision::Revision;
use skep::stack::Stack;

/// The files that the examples refer to.
const FILES: [(&str, &str); 5] = [
    ("web/Dockerfile", "FROM alpine:3.20\nCMD [\"/web\"]\n"),
    ("nginx.conf", "server {}\n"),
    ("common/base.yml", "services: { app: { image: \"shop:1\", healthcheck: { test: check } } }\n"),
    ("db/compose.yml", "services: { db: { image: \"postgres:17\", healthcheck: { test: check } } }\n"),
    ("database.enc.yaml", include_str!("sops/encrypted/all.yaml")),
];

/// The blocks of one language in a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let begun = page.split(&fence).skip(1);
    begun.map(|text| text.split("```").next().unwrap().to_owned()).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(format!("docs/{name}")).unwrap()
}

fn revision(text: &str) -> Revision {
    let files: Vec<(&str, &str)> = FILES.into_iter().chain([("stack.yml", text)]).collect();
    Revision::of(&files)
}

fn stack(text: &str) -> Stack {
    let checked = lint::check(revision(text), &BTreeMap::new()).unwrap();
    let file = &checked.stacks()[0].file;
    let mut inputs = Inputs::new("shop".parse().unwrap(), &checked.revision().texts);
    inputs.images = file.builds().map(|(name, _)| (name.clone(), "shop:built".to_owned())).collect();
    render::render(file, &inputs).unwrap()
}

#[test]
fn every_stack_file_in_the_manual_can_be_deployed() {
    for name in ["stack-files.md", "templates.md"] {
        let examples = blocks(&page(name), "yaml");
        assert!(examples.len() >= 2, "{name}");
        for example in examples {
            let revision = revision(&example);
            let mut findings = lint::findings(&revision, &BTreeMap::new(), &lint::Settings::default());
            findings.retain(|finding| finding.severity > Severity::Info);
            assert_eq!(diagnostic::render::short(&findings, &revision.texts), "", "{name}:\n{example}");
            assert!(!stack(&example).services.is_empty());
        }
    }
}

#[test]
fn the_labels_in_the_manual_are_those_that_come_out() {
    let page = page("stack-files.md");
    let section = page.split("## Behind Traefik").nth(1).unwrap();
    let stack = stack(&blocks(section, "yaml")[0]);
    let labels = &stack.services.values().next().unwrap().labels;
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    assert_eq!(labels.join("\n"), blocks(section, "text")[0].trim_end());
}

#[test]
fn the_template_in_the_manual_works() {
    let body = &blocks(&page("templates.md"), "jinja")[0];
    let revision = Revision::of(&[
        ("stack.yml", "x-skep: { template: db, values: { nodes: [ssd], version: 17 } }"),
        ("templates/db/stack.yml", body),
        ("templates/db/values.yml", "version: 16\nenvironment: {}\nnodes: []\n"),
    ]);
    let checked = lint::check(revision, &BTreeMap::new()).unwrap();
    let service = checked.stacks()[0].file.services.values().next().unwrap();
    assert_eq!(service.image.as_ref().unwrap().value, "postgres:17");
    assert_eq!(service.deploy.constraints[0].value, "node.labels.ssd == true");
}
