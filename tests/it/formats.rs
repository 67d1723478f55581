//! The formats of findings, against their schemas, and the pieces for CI.

use std::process::Command;

use serde_json::Value;

use crate::harness::sandbox::Sandbox;

/// Findings of every level, in several files, with characters that formats must write otherwise.
fn findings() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "shop/stack.yml",
        "services:\n  web:\n    image: nginx\n    networks: [\"fr<o>nt & \\\"back\\\", ü\"]\n    container_name: x:y%z\n",
    );
    sandbox.write("shop/web/Dockerfile", "FROM node\nEXPOSE 80800\nCOPY a,b /x\n# skep ignore=SK9999\n");
    sandbox
}

fn output(sandbox: &Sandbox, format: &str) -> String {
    sandbox.run(&["lint", "shop", "--format", format, "--output", "report"]);
    std::fs::read_to_string(sandbox.path().join("report")).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn errors(schema: &str, value: &Value) -> String {
    let mut schema = json(&std::fs::read_to_string(format!("tests/schemas/{schema}")).unwrap());
    // The pattern of a language has a bracket too many for a strict reader; skep writes no language.
    for what in ["run", "toolComponent"] {
        if let Some(language) = schema.pointer_mut(&format!("/definitions/{what}/properties/language")) {
            language.as_object_mut().unwrap().remove("pattern");
        }
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines = validator.iter_errors(value).map(|error| format!("{}: {error}\n", error.instance_path()));
    lines.collect()
}

#[test]
fn sarif_is_what_its_schema_says() {
    for sandbox in [findings(), clean()] {
        assert_eq!(errors("sarif-2.1.0.json", &json(&output(&sandbox, "sarif"))), "");
    }
    let sarif = json(&output(&findings(), "sarif"));
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(results.len() > 4);
    for result in results {
        let number = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[number]["id"], result["ruleId"]);
    }
    assert!(
        errors("sarif-2.1.0.json", &serde_json::json!({ "version": "2.1.0" })).contains("runs"),
        "it is the schema"
    );
}

fn clean() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("shop/Dockerfile", "FROM scratch\n");
    sandbox
}

/// GitLab's schema asks for little; the rest is from its page on the report: `fingerprint` (unlike all others), `location.path`
/// (relative, without `./`), and a `severity` of five.
#[test]
fn gitlab_is_what_its_schema_and_its_page_say() {
    let report = json(&output(&findings(), "gitlab"));
    let issues = report.as_array().unwrap();
    assert!(issues.len() > 4);
    let mut fingerprints = std::collections::BTreeSet::new();
    for issue in issues {
        assert_eq!(errors("gitlab-code-quality.json", issue), "");
        assert!(!issue["check_name"].as_str().unwrap().is_empty());
        assert!(fingerprints.insert(issue["fingerprint"].as_str().unwrap()), "{issue}");
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        assert!(issue["location"]["path"].as_str().unwrap().starts_with("shop/"), "{issue}");
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() > 0);
    }
    assert_eq!(output(&clean(), "gitlab"), "[]\n");
}

#[test]
fn a_fingerprint_stays_when_lines_come_before_it() {
    let fingerprints = |text: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("shop/Dockerfile", text);
        let report = json(&output(&sandbox, "gitlab"));
        report.as_array().unwrap().iter().map(|issue| issue["fingerprint"].to_string()).collect::<Vec<_>>()
    };
    let (before, after) =
        (fingerprints("FROM scratch\nEXPOSE 80800\n"), fingerprints("# why\n\nFROM scratch\nEXPOSE 80800\n"));
    assert!(!before.is_empty());
    assert_eq!(before, after);
}

/// The runner's own rules: `::level key=value,…::message`, where `%`, line ends, and in values `:` and `,`, are escaped.
#[test]
fn github_is_what_the_runner_reads() {
    let text = output(&findings(), "github");
    let command = regex::Regex::new(
        r"^::(error|warning|notice) file=[^:,]+,line=\d+,endLine=\d+(,col=\d+,endColumn=\d+)?,title=[A-Z0-9]+::.+$",
    );
    let command = command.unwrap();
    assert!(text.lines().count() > 4);
    for line in text.lines() {
        assert!(command.is_match(line), "{line}");
    }
    assert!(text.contains("file=shop/web/Dockerfile,line=2,"), "{text}");
}

#[test]
fn junit_is_what_its_schema_says() {
    if !has_xmllint() {
        println!("NOT RUN: there is no xmllint");
        return;
    }
    for sandbox in [findings(), clean()] {
        assert_eq!(xmllint(&output(&sandbox, "junit"), &["--schema", "tests/schemas/junit-10.xsd"]), "");
    }
    let junit = output(&findings(), "junit");
    let count = |word: &str| junit.matches(word).count();
    assert_eq!(count("<testcase "), count("<failure "));
    assert!(junit.contains(&format!("tests=\"{0}\" failures=\"{0}\"", count("<failure "))), "{junit}");
}

/// Nobody publishes a schema of it: what is asked for is XML, with an element for each file.
#[test]
fn checkstyle_is_well_formed() {
    if !has_xmllint() {
        println!("NOT RUN: there is no xmllint");
        return;
    }
    for sandbox in [findings(), clean()] {
        assert_eq!(xmllint(&output(&sandbox, "checkstyle"), &[]), "");
    }
    let checkstyle = output(&findings(), "checkstyle");
    assert_eq!(checkstyle.matches("<file name=").count(), 2, "{checkstyle}");
}

/// What `xmllint` has to say against a text.
fn xmllint(xml: &str, arguments: &[&str]) -> String {
    let sandbox = Sandbox::new();
    sandbox.write("report.xml", xml);
    let file = sandbox.path().join("report.xml");
    let output = Command::new("xmllint").arg("--noout").args(arguments).arg(file).output().unwrap();
    if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Whether there is an `xmllint`; in CI there must be.
fn has_xmllint() -> bool {
    let found = Command::new("xmllint").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "there is no xmllint; scripts/tools.sh installs it");
    found
}

/// A file of YAML as JSON.
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn ci(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The jobs of the include with the values of its inputs.
fn gitlab_jobs(given: &[(&str, &str)]) -> Value {
    let text = ci("ci/gitlab/skep.gitlab-ci.yml");
    let (spec, mut jobs) = text.split_once("\n---\n").map(|(spec, jobs)| (yaml(spec), jobs.to_owned())).unwrap();
    for (name, input) in spec["spec"]["inputs"].as_object().unwrap() {
        let value = given.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
        let value = value.or_else(|| input["default"].as_str()).unwrap();
        jobs = jobs.replace(&format!("$[[ inputs.{name} ]]"), value);
    }
    assert!(!jobs.contains("$[["), "an input that the spec does not have: {jobs}");
    yaml(&jobs)
}

#[test]
fn the_pieces_for_ci_are_what_their_schemas_say() {
    let spec = yaml(ci("ci/gitlab/skep.gitlab-ci.yml").split_once("\n---\n").unwrap().0);
    assert_eq!(errors("gitlab-ci.json", &spec), "");
    assert_eq!(errors("gitlab-ci.json", &gitlab_jobs(&[("image", "a"), ("repository", "shop")])), "");
    assert_eq!(errors("github-actions.json", &yaml(&ci("ci/github/action.yml"))), "");
    assert_ne!(errors("github-actions.json", &serde_json::json!({ "name": 1 })), "");
}

/// Runs scripts in a shell that finds skep, and `docker` and `git` that only say what they were asked.
fn run(sandbox: &Sandbox, shell: &str, script: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let tools = sandbox.path().join("tools");
    let skep = env!("CARGO_BIN_EXE_skep");
    sandbox.write("tools/skep", &format!("#!/bin/sh\nexec {skep} \"$@\"\n"));
    for name in ["docker", "git"] {
        sandbox.write(
            &format!("tools/{name}"),
            &format!("#!/bin/sh\necho {name} \"$@\" >> {}\n", sandbox.path().join("asked").display()),
        );
    }
    for name in ["skep", "docker", "git"] {
        Command::new("chmod").arg("755").arg(tools.join(name)).status().unwrap();
    }
    let mut command = Command::new(shell);
    command
        .args(["-e", "-c", script])
        .current_dir(sandbox.path())
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn script(job: &Value) -> String {
    job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned() + "\n").collect()
}

#[test]
fn the_job_of_gitlab_fails_with_its_report_written() {
    let sandbox = findings();
    let jobs = gitlab_jobs(&[("path", "shop")]);
    assert!(!run(&sandbox, "sh", &script(&jobs["skep-lint"]), &[]).0);
    let report = std::fs::read_to_string(sandbox.path().join("gl-code-quality-report.json")).unwrap();
    assert!(json(&report).as_array().unwrap().len() > 4);
    let sandbox = clean();
    assert!(run(&sandbox, "sh", &script(&jobs["skep-lint"]), &[]).0);
}

#[test]
fn the_other_jobs_of_gitlab_build_test_push_and_deploy() {
    let given = [
        ("image", "r.example.com/shop"),
        ("test-command", "make test"),
        ("skep-url", "https://skep"),
        ("repository", "shop"),
    ];
    let jobs = gitlab_jobs(&given);
    let variables = [
        ("CI_COMMIT_SHA", "abc"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_DEFAULT_BRANCH", "main"),
        ("SKEP_TOKEN", "geheim"),
        ("CI_REGISTRY", "r"),
        ("CI_REGISTRY_USER", "u"),
        ("CI_REGISTRY_PASSWORD", "p"),
    ];
    let sandbox = clean();
    for job in ["skep-image", "skep-deploy"] {
        assert!(run(&sandbox, "sh", &script(&jobs[job]), &variables).0, "{job}");
    }
    insta::assert_snapshot!(std::fs::read_to_string(sandbox.path().join("asked")).unwrap(), @"
    docker build --tag r.example.com/shop:abc .
    docker run --rm r.example.com/shop:abc sh -c make test
    docker login --username u --password-stdin r
    docker push r.example.com/shop:abc
    git -c http.extraHeader=Authorization: Basic Y2k6Z2VoZWlt push https://skep/git/shop.git HEAD:refs/heads/main
    ");
}

#[test]
fn the_action_of_github_annotates_and_writes_sarif() {
    let action = yaml(&ci("ci/github/action.yml"));
    let step = &action["runs"]["steps"][0];
    let sandbox = findings();
    let variables = [("SKEP", "skep"), ("SKEP_PATH", "shop"), ("SKEP_FAIL_ON", "error"), ("SKEP_SARIF", "found.sarif")];
    let (passed, said) = run(&sandbox, step["shell"].as_str().unwrap(), step["run"].as_str().unwrap(), &variables);
    assert!(!passed && said.starts_with("::"), "{said}");
    assert!(sandbox.path().join("found.sarif").exists());
    let names = step["env"].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(names, variables.map(|(name, _)| name));
}
