//! Every template in `templates/`: its cases, and that what it makes is as good as a user's own stack file.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test, with its message")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use skep::diagnostic::{self, Severity};
use skep::lint::{self, Checked};
use skep::plan::observed::Observed;
use skep::plan::{Color, Plan, Removable};
use skep::render::{self, Inputs, compose};
use skep::revision::Revision;
use skep::stack::template::Written;
use skep::stack::{Stack, yaml};

/// A case: the values, and the stack file that comes out.
struct Case {
    path: PathBuf,
    template: String,
    values: String,
    expected: String,
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn templates() -> Vec<PathBuf> {
    entries(Path::new("templates"))
}

fn cases() -> Vec<Case> {
    let files = templates().into_iter().flat_map(|folder| entries(&folder.join("cases")));
    files.map(case).collect()
}

fn case(path: PathBuf) -> Case {
    let template = path.ancestors().nth(2).unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let text = fs::read_to_string(&path).unwrap();
    let (values, expected) = text.split_once("---\n").unwrap();
    Case { template, values: values.to_owned(), expected: expected.to_owned(), path }
}

impl Case {
    /// A repository that has only a reference to the template, what skep brings along being in the binary.
    fn revision(&self) -> Revision {
        let values = self.values.replace('\n', "\n    ");
        let stack = format!("x-skep:\n  template: {}\n  values:\n    {values}\n", self.template);
        Revision::of(&[("stack.yml", &stack), ("Dockerfile", "FROM alpine:3.20\nCMD [\"serve\"]\n")])
    }

    fn checked(&self) -> Checked {
        let checked = lint::check(self.revision(), &BTreeMap::new());
        checked.unwrap_or_else(|rejection| {
            panic!("{}:\n{}", self.path.display(), diagnostic::render::short(&rejection.findings, &rejection.texts))
        })
    }
}

fn stack(checked: &Checked) -> Stack {
    let file = &checked.stacks()[0].file;
    let mut inputs = Inputs::new("shop".parse().unwrap(), &checked.revision().texts);
    inputs.images = file.builds().map(|(name, _)| (name.clone(), "shop:built".to_owned())).collect();
    render::render(file, &inputs).unwrap()
}

/// `UPDATE=1 cargo test --test templates` writes the cases anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "the person at the keyboard asks the test for something else")]
fn every_case_comes_out_as_it_says() {
    for case in cases() {
        let checked = case.checked();
        let Written::Template(made) = &checked.stacks()[0].file.sources.first().unwrap().written else {
            panic!("it asks for a template")
        };
        let filled = std::str::from_utf8(made.filled()).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&case.path, format!("{}---\n{filled}", case.values)).unwrap();
        } else {
            assert_eq!(filled, case.expected, "{}", case.path.display());
        }
    }
}

#[test]
fn every_template_has_cases_and_says_what_its_values_are() {
    for folder in templates() {
        assert!(entries(&folder.join("cases")).len() >= 2, "{}: add cases", folder.display());
        let values = fs::read_to_string(folder.join("values.yml")).unwrap();
        let tree = yaml::parse(values.as_bytes()).unwrap();
        assert!(!tree.entries().is_empty());
        assert!(values.starts_with("# "), "{}: say what the template is for", folder.display());
    }
}

#[test]
fn what_comes_out_has_no_warnings() {
    for case in cases() {
        let revision = case.revision();
        let mut findings = lint::findings(&revision, &BTreeMap::new(), &lint::Settings::default());
        findings.retain(|finding| finding.severity > Severity::Info);
        assert_eq!(diagnostic::render::short(&findings, &revision.texts), "", "{}", case.path.display());
    }
}

#[test]
fn what_comes_out_is_rendered_and_planned() {
    for case in cases() {
        let stack = stack(&case.checked());
        let plan = Plan::between(&stack, &Observed::nothing(stack.name.clone()), &Removable::default());
        let planned: Vec<String> = plan.changed_services().into_iter().map(ToString::to_string).collect();
        let written: Vec<String> = stack.services.keys().map(ToString::to_string).collect();
        assert_eq!(planned, written, "{}:\n{}", case.path.display(), plan.to_text(Color::Never));
        let rendered = compose::to_yaml(&stack);
        assert!(rendered.contains("traefik.http.routers.shop_web.rule"), "{}:\n{rendered}", case.path.display());
    }
}

const BODY: &str = "\
services:
  db:
    image: {{ values.image }}
    environment: { MODE: {{ values.mode }} }
    networks: [back]
";

fn found(files: &[(&str, &str)]) -> String {
    let revision = Revision::of(files);
    diagnostic::render::short(&lint::findings(&revision, &BTreeMap::new(), &lint::Settings::default()), &revision.texts)
}

#[test]
fn a_finding_points_at_what_somebody_wrote() {
    let own = |values: &str| {
        let stack = format!("x-skep:\n  template: db\n  values: {values}\n");
        found(&[
            ("stack.yml", &stack),
            ("templates/db/stack.yml", BODY),
            ("templates/db/values.yml", "image: postgres:17\nmode: fast\n"),
        ])
    };
    insta::assert_snapshot!(own("{image: 'Postgres:17'}"), @r"
    stack.yml:3:19: error[SK1006]: `Postgres:17` is not the name of an image
    templates/db/stack.yml:2:3: info[SK3001]: nothing checks whether `db` is healthy
    templates/db/stack.yml:5:5: error[SK1003]: there is no network `back` in this file
    ");
    insta::assert_snapshot!(own("{imagee: 'postgres:17'}"), @"stack.yml:3:12: error[SK1018]: the template `db` has no value `imagee`");
    let web = |values: &str| found(&[("stack.yml", &format!("x-skep:\n  template: web\n  values: {values}\n"))]);
    insta::assert_snapshot!(web("{host: shop.example.com, image: 'shop:1', replicas: many}"), @"stack.yml:3:63: error[SK1001]: `replicas` must be a whole number, but is `many`");
    insta::assert_snapshot!(web("{host: shop.example.com/a, image: 'shop:1'}"), @"stack.yml:3:18: error[SK1016]: `shop.example.com/a` is not a host name");
    insta::assert_snapshot!(web("{host: shop.example.com}"), @"stack.yml:2:13: error[SK1005]: the service `web` has neither `image` nor `build`");
    insta::assert_snapshot!(found(&[("stack.yml", "x-skep: {template: wbe}")]), @"stack.yml:1:20: error[SK1018]: there is no template `wbe`");
    insta::assert_snapshot!(found(&[("stack.yml", "x-skep: {template: ../web}")]), @"stack.yml:1:20: error[SK1018]: there is no template `../web`");
    insta::assert_snapshot!(found(&[("stack.yml", "x-skep: {values: {a: 1}}\nservices: {a: {image: 'b:1'}}")]), @"
    stack.yml:1:18: error[SK1001]: `values` are for a template, and none is named
    stack.yml:2:12: info[SK3001]: nothing checks whether `a` is healthy
    ");
}

#[test]
fn files_of_a_template_are_read_when_they_are_asked_for() {
    let files = [
        ("stacks/shop/stack.yml", "x-skep: {template: db}"),
        ("stacks/plain/stack.yml", "services: {}"),
        ("templates/db/stack.yml", "services: {db: {image: a, env_file: [db.env]}}"),
        ("templates/db/values.yml", "a: 1"),
        ("templates/db/cases/a.yml", ""),
        ("templates/other/stack.yml", ""),
        ("stacks/shop/db.env", ""),
    ];
    let mut revision = Revision::of(&files);
    let texts = std::mem::take(&mut revision.texts);
    let mut rounds = Vec::new();
    while let wanted @ [_, ..] = &*revision.wanted() {
        rounds.push(wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        revision.texts.extend(wanted.iter().map(|path| (path.clone(), texts[path].clone())));
    }
    insta::assert_snapshot!(rounds.join("\n"), @r"
    stacks/plain/stack.yml stacks/shop/stack.yml
    templates/db/stack.yml templates/db/values.yml
    stacks/shop/db.env
    ");
}
