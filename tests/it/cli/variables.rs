//! Where variables of stack files are set, from the outside.

use insta::assert_snapshot;

use crate::harness::sandbox::Sandbox;

/// A stack whose image is made of four variables, each set in one place more than the one before.
fn places() -> Sandbox {
    let sandbox = Sandbox::new();
    let stack = "x-skep: { variables: { A: block, B: block, C: block, D: block } }
services:
  web:
    image: \"${A}:${B}-${C}-${D}\"
    healthcheck: { test: [CMD, check] }
";
    sandbox.write("shop/stack.yml", stack);
    sandbox.write("shop/.env", "B=dotenv\nC=dotenv\nD=dotenv\n");
    sandbox.write(
        "skep.yml",
        "variables: { C: settings }\nrepositories: { shop: { url: https://x/y.git, variables: { D: shop } } }\n",
    );
    sandbox.write("prod.env", "B=file\nC='file'\nD=file # production\n");
    sandbox
}

/// The image that comes out.
fn image(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let shown = sandbox.run(&[&["render", "shop", "--config", "skep.yml"], arguments].concat());
    let line = shown.lines().find(|line| line.trim_start().starts_with("image:"));
    line.unwrap_or(&shown).trim().to_owned()
}

#[test]
fn each_place_overrides_those_below_it() {
    let sandbox = places();
    assert_eq!(image(&sandbox, &[]), "image: block:dotenv-settings-shop");
    // A file that is named takes the place of `.env`, as with Compose.
    sandbox.write("other.env", "D=other\n");
    assert_eq!(image(&sandbox, &["--env-file", "other.env"]), "image: block:block-settings-other");
    assert_eq!(image(&sandbox, &["--env-file", "prod.env"]), "image: block:file-file-file");
    assert_eq!(image(&sandbox, &["--env-file", "prod.env", "--env-file", "other.env"]), "image: block:file-file-other");
    assert_eq!(image(&sandbox, &["-e", "A=mine", "-e", "D=", "--env-file", "prod.env"]), "image: mine:file-file-");
}

#[test]
fn what_is_missing_is_told_at_once_by_what_deploys_and_at_each_use_by_the_linter() {
    let sandbox = Sandbox::new();
    let stack = "services:
  web:
    image: \"shop:${TAG}\"
    environment: { HOST: \"${HOST}\", URL: \"https://${HOST}/\" }
    healthcheck: { test: [CMD, check] }
    secrets: [key]
secrets: { key: { environment: API_KEY } }
";
    sandbox.write("shop/stack.yml", stack);
    assert_snapshot!(sandbox.run(&["plan", "shop"]), @r#"
    exit code 1
    --- stderr
    error[SK2020]: 3 variables are not set: API_KEY (line 7), HOST (line 4), TAG (line 3)
     --> stack.yml:3:12
      |
    3 |     image: "shop:${TAG}"
      |            ^^^^^^^^^^^^^
      |
      = help: set HOST, TAG in `.env`, in `x-skep.variables` of the stack file or in `variables` of skep's settings, or write a default: `${HOST:-…}`; set API_KEY in `variables` of skep's settings, not in the repository: it looks like a secret
    "#);
    assert_snapshot!(sandbox.run(&["lint", "shop", "--short", "-e", "HOST=x"]), @"
    exit code 0
    --- stdout
    shop/stack.yml:3:12: warning[SK2020]: the variable TAG is not set
    shop/stack.yml:7:32: warning[SK2020]: the variable API_KEY is not set
    ");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--short", "--ignore", "SK2020", "--ignore", "SK3003"]), @"
    exit code 0
    --- stderr
    no findings
    ");
}

#[test]
fn what_is_no_variable_is_told() {
    let sandbox = places();
    sandbox.write("bad.env", "A=1\nB C=2\n");
    assert_snapshot!(sandbox.run(&["render", "shop", "-e", "1A=x"]), @"
    exit code 1
    --- stderr
    error: `1A` cannot be the name of a variable; write `-e NAME=value`
    ");
    assert_snapshot!(sandbox.run(&["render", "shop", "-e", "SKEP_NOT_SET_ANYWHERE"]), @"
    exit code 1
    --- stderr
    error: SKEP_NOT_SET_ANYWHERE is not set in this shell; write `-e SKEP_NOT_SET_ANYWHERE=value`
    ");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--env-file", "bad.env"]), @"
    exit code 2
    --- stderr
    error: bad.env: line 2: there is a space in the name `B C`; write `NAME=value`
    ");
    assert_snapshot!(sandbox.run(&["lint", "shop", "--env-file", "gone.env"]), @"
    exit code 2
    --- stderr
    error: cannot read gone.env: No such file or directory (os error 2)
    ");
}

#[test]
fn a_profile_of_the_command_line_adds_to_those_of_the_variables() {
    let sandbox = Sandbox::new();
    let service = |name: &str| format!("  {name}: {{ image: \"{name}:1\", profiles: [{name}] }}\n");
    sandbox.write("shop/stack.yml", &format!("services:\n{}{}{}", service("a"), service("b"), service("c")));
    sandbox.write("shop/.env", "COMPOSE_PROFILES=a\n");
    let images = |arguments: &[&str]| {
        let shown = sandbox.run(&[&["render", "shop"], arguments].concat());
        let images = shown.lines().filter_map(|line| line.trim().strip_prefix("image: "));
        images.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(images(&[]), "a:1");
    assert_eq!(images(&["--profile", "b"]), "a:1 b:1");
    assert_eq!(images(&["--profile", "b", "-e", "COMPOSE_PROFILES=c"]), "b:1 c:1");
}
