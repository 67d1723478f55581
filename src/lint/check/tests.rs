use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::render;
use crate::revision::EntryKind;

const GOOD: &str = "services:\n  web:\n    image: nginx:1.27\n    healthcheck: { test: curl localhost }\n";

fn no_variables() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// Only the errors of the gate, a line each.
fn errors(files: &[(&str, &str)]) -> String {
    let Err(rejection) = check(Revision::of(files), &no_variables()) else { return String::new() };
    let errors: Vec<Diagnostic> =
        rejection.findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    render::short(&errors, &rejection.texts)
}

/// What the gate says about files, as lines.
fn verdict(files: &[(&str, &str)]) -> String {
    verdict_of(Revision::of(files))
}

fn verdict_of(revision: Revision) -> String {
    match check(revision, &no_variables()) {
        Ok(checked) => {
            let mut text = format!("stacks: {}\n", checked.stacks().len());
            text += &render::short(checked.findings(), &checked.revision().texts);
            text
        }
        Err(rejection) => {
            let mut text = format!("{rejection}\n");
            for finding in &rejection.findings {
                text += &render::short(std::slice::from_ref(finding), &rejection.texts);
                if let Some(help) = &finding.help {
                    writeln!(text, "  {help}").unwrap();
                }
            }
            text
        }
    }
}

#[test]
fn a_good_revision_passes_with_its_stacks() {
    insta::assert_snapshot!(verdict(&[("stacks/a/stack.yml", GOOD), ("stacks/b/stack.yml", GOOD)]), @"stacks: 2");
}

#[test]
fn warnings_do_not_hold_a_revision_back() {
    insta::assert_snapshot!(verdict(&[("stack.yml", "services: { web: { image: nginx } }")]), @r"
    stacks: 1
    stack.yml:1:13: info[SK3001]: nothing checks whether `web` is healthy
    stack.yml:1:27: warning[SK3003]: `nginx` has no fixed version
    ");
}

#[test]
fn a_revision_without_a_stack_file_is_rejected() {
    insta::assert_snapshot!(verdict(&[("Dockerfile", "FROM alpine:3.20")]), @r"
    1 error
    .:1:1: error[SK1002]: there is no stack file, so there is nothing to deploy
      add `stack.yml`, `docker-stack.yml`, `compose.yaml` or `docker-compose.yml` at the top, or `stacks/<name>/stack.yml`
    ");
}

#[test]
fn a_file_that_is_not_understood_is_rejected_at_its_place() {
    for text in ["", "# nothing\n---\n", "services:\n\tweb: {}\n", "services: [", "a", "\u{0}", "&a [*a]"] {
        let verdict = verdict(&[("stack.yml", text)]);
        assert!(verdict.starts_with("1 error\nstack.yml:"), "{text:?}: {verdict}");
    }
    insta::assert_snapshot!(verdict(&[("stack.yml", "# nothing\n")]), @r"
    1 error
    stack.yml:1:1: error[SK1001]: the file is empty
    ");
    insta::assert_snapshot!(verdict(&[("stack.yml", "services:\n  web: { image: 'a:1', scael: 2 }\n")]), @"
    1 error
    stack.yml:2:24: error[SK1001]: a service has no key `scael`
      did you mean `scale`?
    ");
}

#[test]
fn a_stack_file_that_was_not_read_is_rejected() {
    let mut revision = Revision::of(&[("stack.yml", GOOD)]);
    revision.texts.clear();
    insta::assert_snapshot!(verdict_of(revision), @r"
    1 error
    stack.yml:1:1: error[SK1001]: the stack file was not read: it is too large
      a stack file is a few kilobytes of text
    ");
}

const UNSET: &str = "services:
  web:
    image: ${IMAGE}
    ports: [\"${PORT}:80\", \"70000:80\"]
    networks: [\"${NET}\"]
    environment: { DB_PASSWORD: \"${DB_PASSWORD:?from the vault}\", MODE: \"${MODE:-fast}\" }
    deploy:
      replicas: ${REPLICAS}
      labels:
        traefik.enable: \"true\"
        traefik.http.routers.web.rule: Host(`${HOST}`)
        traefik.http.routers.web.entrypoint: websecure
    configs: [site]
  db: { image: \"postgres:17\", environment: { POSTGRES_PASSWORD: hunter2, HOST: \"${HOST}\" } }
networks: { front: {} }
";

/// What the tool finds in files, with what to do.
fn found(files: &[(&str, &str)], settings: &Settings) -> String {
    let revision = Revision::of(files);
    let mut text = String::new();
    for finding in findings(&revision, &no_variables(), settings) {
        text += &render::short(std::slice::from_ref(&finding), &revision.texts);
        finding.help.iter().for_each(|help| writeln!(text, "  {help}").unwrap());
    }
    text
}

#[test]
fn a_variable_that_is_not_set_is_a_warning_and_hides_nothing() {
    insta::assert_snapshot!(found(&[("stack.yml", UNSET)], &Settings::default()), @"
    stack.yml:3:12: warning[SK2020]: the variable IMAGE is not set
      set IMAGE in `.env` beside this file, or write `${IMAGE:-default}`; `$$IMAGE` if the container is to see `$IMAGE`
    stack.yml:4:13: warning[SK2020]: the variable PORT is not set
      set PORT in `.env` beside this file, or write `${PORT:-default}`; `$$PORT` if the container is to see `$PORT`
    stack.yml:4:27: error[SK1001]: `ports` must be a port such as `8080:80`, `53:53/udp` or `8000-8010:8000-8010`, but is `70000:80`
    stack.yml:5:16: warning[SK2020]: the variable NET is not set
      set NET in `.env` beside this file, or write `${NET:-default}`; `$$NET` if the container is to see `$NET`
    stack.yml:6:33: warning[SK2020]: the variable DB_PASSWORD is not set: from the vault
      set DB_PASSWORD in skep's settings; `$$DB_PASSWORD` if the container is to see `$DB_PASSWORD`
    stack.yml:8:17: warning[SK2020]: the variable REPLICAS is not set
      set REPLICAS in `.env` beside this file, or write `${REPLICAS:-default}`; `$$REPLICAS` if the container is to see `$REPLICAS`
    stack.yml:11:40: warning[SK2020]: the variable HOST is not set
      set HOST in `.env` beside this file, or write `${HOST:-default}`; `$$HOST` if the container is to see `$HOST`
    stack.yml:12:9: warning[SK4003]: Traefik has no label `traefik.http.routers.web.entrypoint`
      did you mean `entrypoints`?
    stack.yml:13:15: error[SK1003]: there is no config `site` in this file
      define it under `configs:` at the top of the file
    stack.yml:14:3: info[SK3001]: nothing checks whether `db` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:14:46: warning[SK6001]: `POSTGRES_PASSWORD` is readable by everybody who can read this file
      use a secret, or a variable from skep's settings: `${NAME}`
    stack.yml:14:80: warning[SK2020]: the variable HOST is not set
      set HOST in `.env` beside this file, or write `${HOST:-default}`; `$$HOST` if the container is to see `$HOST`
    ");
}

#[test]
fn the_gate_names_all_variables_that_are_not_set() {
    insta::assert_snapshot!(verdict(&[("deploy/base.yml", "services: { api: { image: \"a:${TAG}\" } }"), ("stack.yml", UNSET), ("skep-lint.yaml", "rules: { SK2020: off }")]), @"
    3 errors, 2 warnings and 1 remark
    stack.yml:3:12: error[SK2020]: 6 variables are not set: DB_PASSWORD (line 6: from the vault), HOST (lines 11, 14), IMAGE (line 3), NET (line 5), PORT (line 4), REPLICAS (line 8)
      set HOST, IMAGE, NET, PORT, REPLICAS in `.env`, in `x-skep.variables` of the stack file or in `variables` of skep's settings, or write a default: `${HOST:-…}`; set DB_PASSWORD in `variables` of skep's settings, not in the repository: it looks like a secret
    stack.yml:4:27: error[SK1001]: `ports` must be a port such as `8080:80`, `53:53/udp` or `8000-8010:8000-8010`, but is `70000:80`
    stack.yml:12:9: warning[SK4003]: Traefik has no label `traefik.http.routers.web.entrypoint`
      did you mean `entrypoints`?
    stack.yml:13:15: error[SK1003]: there is no config `site` in this file
      define it under `configs:` at the top of the file
    stack.yml:14:3: info[SK3001]: nothing checks whether `db` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:14:46: warning[SK6001]: `POSTGRES_PASSWORD` is readable by everybody who can read this file
      use a secret, or a variable from skep's settings: `${NAME}`
    ");
    let stack = "include: [deploy/base.yml]\nx-skep: { variables: { TAG: { comment: the newest release } } }\nservices: { web: { image: \"a:1\" } } # skep global ignore=SK2020\n";
    let files = [("deploy/base.yml", "services: { api: { image: \"a:${TAG}\" } }"), ("stack.yml", stack)];
    insta::assert_snapshot!(verdict(&files), @"
    1 error, 1 warning and 2 remarks
    deploy/base.yml:1:13: info[SK3001]: nothing checks whether `api` is healthy
      add a `healthcheck:` that fails until the service is ready
    deploy/base.yml:1:27: error[SK2020]: the variable TAG (line 1 of deploy/base.yml: the newest release) is not set
      set TAG in `.env`, in `x-skep.variables` of the stack file or in `variables` of skep's settings, or write a default: `${TAG:-…}`
    stack.yml:3:13: info[SK3001]: nothing checks whether `web` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:3:58: warning[SK0002]: `SK2020` finds nothing here
      take it out of the comment
    ");
}

#[test]
fn variables_come_from_the_file_beside_and_from_the_block() {
    let stack = "x-skep:
  variables: { TAG: \"1\", IMAGE: { default: \"shop:${TAG}\", comment: what runs } }
services:
  web: { image: \"$IMAGE-$KIND\", healthcheck: { test: curl x } }
";
    let files = [("stack.yml", stack), (".env", "export TAG=\"2\" # newer\nKIND=a$NO\n")];
    let checked = check(Revision::of(&files), &no_variables()).unwrap();
    assert_eq!(checked.stacks()[0].file.services.values().next().unwrap().image.as_ref().unwrap().value, "shop:2-a");
    let given = BTreeMap::from([("TAG".to_owned(), "3".to_owned()), ("KIND".to_owned(), "b".to_owned())]);
    let checked = check(Revision::of(&files), &given).unwrap();
    assert_eq!(checked.stacks()[0].file.services.values().next().unwrap().image.as_ref().unwrap().value, "shop:3-b");
    let off = BTreeMap::from([("COMPOSE_DISABLE_ENV_FILE".to_owned(), "true".to_owned())]);
    assert!(check(Revision::of(&files), &off).unwrap_err().to_string().starts_with("1 error"));
}

#[test]
fn what_is_wrong_with_variables_is_told() {
    let stack = "x-skep:
  variables: { 1A: x, B: [1], C: { defualt: 1 }, D: \"${\", E: { default: {}, comment: ok } }
services:
  web: { image: \"a:1\", healthcheck: { test: curl x } }
";
    insta::assert_snapshot!(verdict(&[("stack.yml", stack), (".env", "A=1\n{\n")]), @"
    5 errors and 1 warning
    .env:2:1: warning[SK2021]: none of its variables is set: `{` in `{` is not allowed in a name; write `NAME=value`
      Compose refuses it as well; correct it, or remove it
    stack.yml:2:16: error[SK1001]: `1A` cannot be the name of a variable
      use letters, digits and `_`, and begin with a letter or `_`
    stack.yml:2:26: error[SK1001]: a variable must be text, but is a list
    stack.yml:2:36: error[SK1001]: a variable has no key `defualt`
      it has `default` and `comment`
    stack.yml:2:54: error[SK1001]: `${` is not a variable
      write $$ for a dollar sign, or ${NAME}
    stack.yml:2:73: error[SK1001]: a variable must be text, but is a map
    ");
    let mut revision =
        Revision::of(&[("stack.yml", "services: { web: { image: \"a:${TAG}\" } }"), (".env", "/etc/shadow")]);
    revision.entries.get_mut(&".env".parse().unwrap()).unwrap().kind = EntryKind::Symlink;
    revision.texts.remove(&".env".parse().unwrap());
    insta::assert_snapshot!(verdict_of(revision), @"
    1 error, 1 warning and 1 remark
    .env:1:1: warning[SK2021]: it was not read: it is a symbolic link, which is never followed; commit the file itself
      Compose refuses it as well; correct it, or remove it
    stack.yml:1:13: info[SK3001]: nothing checks whether `web` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:1:27: error[SK2020]: the variable TAG (line 1) is not set
      set TAG in `.env`, in `x-skep.variables` of the stack file or in `variables` of skep's settings, or write a default: `${TAG:-…}`
    ");
}

#[test]
fn after_an_error_the_rest_of_the_file_is_checked() {
    let stack = "services:
  web:
    image: [a]
    healthcheck: { test: curl x }
    networks: [front, back]
  api:
    image: nginx
    deploy: { replicas: many }
    volumes: [\"a:/x\", \"b:/x\"]
    depends_on: [web, w_eb]
networks: { front: { driver: 1, drivr: x } }
";
    insta::assert_snapshot!(verdict(&[("stack.yml", stack)]), @"
    4 errors
    stack.yml:3:12: error[SK1001]: `image` must be text, but is a list
    stack.yml:8:25: error[SK1001]: `replicas` must be a whole number, but is `many`
    stack.yml:9:23: error[SK1012]: another volume is already mounted at `/x`
    stack.yml:11:33: error[SK1001]: a network has no key `drivr`
      did you mean `driver`?
    ");
}

#[test]
fn a_link_is_never_followed() {
    let stack = "services: { web: { build: web, env_file: a.env } }";
    let mut revision = Revision::of(&[("stack.yml", stack), ("a.env", "/etc/shadow"), ("web", "/")]);
    for path in ["a.env", "web"] {
        revision.entries.get_mut(&path.parse().unwrap()).unwrap().kind = EntryKind::Symlink;
    }
    insta::assert_snapshot!(verdict_of(revision), @"
    2 errors and 1 remark
    stack.yml:1:13: info[SK3001]: nothing checks whether `web` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:1:27: error[SK1008]: the build context `web` is a symbolic link, or reached through one
      commit a copy of the target file
    stack.yml:1:42: error[SK1008]: the env_file `a.env` is a symbolic link, or reached through one
      commit a copy of the target file
    ");
}

#[test]
fn a_path_that_leads_out_of_the_repository_is_refused() {
    let stack = "services:\n  web: { build: ../web, env_file: /etc/passwd }\nconfigs: { a: { file: ../../a } }\n";
    insta::assert_snapshot!(verdict(&[("stack.yml", stack)]), @r"
    3 errors
    stack.yml:2:17: error[SK1001]: `build`: `../web` is not a path in this repository: it leads out of the repository
      refer to a file of this repository
    stack.yml:2:35: error[SK1001]: `env_file`: `/etc/passwd` is not a path in this repository: it is absolute; write it relative to the file
      refer to a file of this repository
    stack.yml:3:23: error[SK1001]: `file`: `../../a` is not a path in this repository: it leads out of the repository
      refer to a file of this repository
    ");
}

#[test]
fn a_missing_context_is_one_finding_and_not_two() {
    let stack = "services:\n  web: { build: ./web, env_file: a.env }\n";
    insta::assert_snapshot!(verdict(&[("stack.yml", stack)]), @"
    2 errors and 1 remark
    stack.yml:2:3: info[SK3001]: nothing checks whether `web` is healthy
      add a `healthcheck:` that fails until the service is ready
    stack.yml:2:17: error[SK1007]: the build context `web` is not in the repository
      is it committed, and is the path relative to the stack file?
    stack.yml:2:34: error[SK1007]: the env_file `a.env` is not in the repository
      is it committed, and is the path relative to the stack file?
    ");
}

#[test]
fn a_dockerfile_is_checked_in_the_context_that_the_stack_file_names() {
    let stack = "services:\n  web: { build: { context: ., dockerfile: docker/Dockerfile } }\n";
    let dockerfile = "FROM alpine:3.20\nHEALTHCHECK CMD [\"true\"]\nCOPY here gone docker /x/\n";
    let files = [("stack.yml", stack), ("docker/Dockerfile", dockerfile), ("here", ""), ("docker/gone", "")];
    insta::assert_snapshot!(verdict(&files), @"
    1 error
    docker/Dockerfile:3:11: error[SK5002]: `gone` is not in the build context
      the context is the top of the repository: was the file committed there?
    ");
}

#[test]
fn a_dockerfile_that_no_stack_file_names_may_be_built_in_any_folder_above_it() {
    let files = [("a/b/Dockerfile", "FROM alpine:3.20\nCOPY one two three /x/\n"), ("one", ""), ("a/b/two", "")];
    let revision = Revision::of(&files);
    let found = findings(&revision, &no_variables(), &Settings::default());
    insta::assert_snapshot!(render::short(&found, &revision.texts), @"a/b/Dockerfile:2:14: warning[SK5002]: `three` is not in the build context");
}

#[test]
fn a_circle_is_named_once_however_it_is_entered() {
    let stack = "services:
  a: { image: 'x:1', depends_on: [b, z] }
  b: { image: 'x:1', depends_on: [c] }
  c: { image: 'x:1', depends_on: [d] }
  d: { image: 'x:1', depends_on: [b, e] }
  e: { image: 'x:1' }
";
    let revision = Revision::of(&[("stack.yml", stack)]);
    let mut found = findings(&revision, &no_variables(), &Settings::default());
    found.retain(|finding| finding.id() == "SK1004");
    insta::assert_snapshot!(render::short(&found, &revision.texts), @r"
    stack.yml:2:38: warning[SK1004]: there is no service `z` in this file
    stack.yml:5:35: warning[SK1004]: these services wait for each other in a cycle: `c`, `d`, `b`
    ");
}

#[test]
fn a_path_of_any_length_is_only_missing() {
    let long = "a/".repeat(100_000);
    let stack = format!("services: {{ web: {{ build: {long}, env_file: {long}b }} }}");
    let dockerfile = format!("FROM alpine:3.20\nCOPY {long} /x\n");
    assert!(errors(&[("stack.yml", &stack), ("Dockerfile", &dockerfile)]).contains("SK1007"));
}

#[test]
fn a_dockerfile_is_wanted_once() {
    let mut revision = Revision::of(&[("stack.yml", GOOD), ("a/Dockerfile", "FROM a:1"), ("b/Dockerfile", "FROM b:1")]);
    let read = revision.texts.remove(&"b/Dockerfile".parse::<RepoPath>().unwrap()).unwrap();
    let nothing = BTreeMap::new();
    assert_eq!(wanted(&revision, &nothing), ["b/Dockerfile".parse().unwrap()]);
    revision.texts.insert("b/Dockerfile".parse().unwrap(), read);
    assert_eq!(wanted(&revision, &nothing), []);
}

#[test]
fn what_is_named_as_a_dockerfile_is_one() {
    let is = |path: &str| is_dockerfile(&path.parse().unwrap());
    let yes = ["Dockerfile", "a/Dockerfile.dev", "a/dev.Dockerfile", "Containerfile", "dockerfile"];
    let no = ["Dockerfile.dockerignore", "a/Dockerfiles", "Dockerfile/readme", "stack.yml"];
    assert!(yes.into_iter().all(is) && !no.into_iter().any(is));
}

#[test]
fn many_mistakes_end_in_few_findings() {
    let stack: String = (0..5000).fold("services:\n".into(), |mut text, index| {
        writeln!(text, "  s{index}: {{ image: 'A', networks: [n{index}], depends_on: [t{index}], configs: [c] }}")
            .unwrap();
        text
    });
    let dockerfile: String = (0..5000).fold(String::new(), |mut text, index| {
        writeln!(text, "FROM a AS s{index}\nCOPY --from=S{index}X a b\nCOPY ../c{index} d").unwrap();
        text
    });
    let found = findings(
        &Revision::of(&[("stack.yml", &stack), ("Dockerfile", &dockerfile)]),
        &no_variables(),
        &Settings::default(),
    );
    assert!((300..1500).contains(&found.len()), "{}", found.len());
}

proptest! {
    #[test]
    fn any_bytes_end_in_findings(stack: Vec<u8>, dockerfile: Vec<u8>, prefix in 0..4_usize) {
        let mut revision = Revision::of(&[("stack.yml", ""), ("Dockerfile", "")]);
        let stack = [GOOD.as_bytes()[..prefix * 20].to_vec(), stack].concat();
        revision.texts.insert("stack.yml".parse().unwrap(), stack.into());
        revision.texts.insert("Dockerfile".parse().unwrap(), dockerfile.into());
        let found = findings(&revision, &no_variables(), &Settings::default());
        let shown = render::human(&found, &revision.texts, false);
        prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    }
}

#[test]
fn what_docker_builds_all_the_same_is_deployed() {
    let dockerfile = "FROM alpine:3.20\nMAINTAINER ada@example.com\nRUN sudo true\n";
    let revision = Revision::of(&[("stack.yml", "services: { web: { build: . } }\n"), ("Dockerfile", dockerfile)]);
    let levels = |findings: &[Diagnostic]| {
        let about = findings.iter().filter(|finding| ["DL3004", "DL4000"].contains(&finding.id()));
        about.map(|finding| finding.severity).collect::<Vec<_>>()
    };
    let found = findings(&revision, &BTreeMap::new(), &Settings::default());
    assert_eq!(levels(&found), [Severity::Warning; 2]);
    let checked = check(revision, &BTreeMap::new()).unwrap();
    assert_eq!(levels(checked.findings()), [Severity::Warning; 2]);
}
