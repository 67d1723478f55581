//! What real stack files say that a rule must not find, or not as an error, and what it must.

use std::collections::BTreeMap;

use crate::diagnostic::Severity;
use crate::diagnostic::render;
use crate::lint::{Settings, findings};
use crate::revision::Revision;

/// What is found: rule, severity, line.
fn found(files: &[(&str, &str)]) -> Vec<(&'static str, Severity, usize)> {
    let revision = Revision::of(files);
    let all = findings(&revision, &BTreeMap::new(), &Settings::default());
    let line = |path: &str, at: usize| {
        let text = files.iter().find(|(known, _)| *known == path).map_or("", |(_, text)| *text);
        text[..at.min(text.len())].matches('\n').count() + 1
    };
    all.iter().map(|one| (one.id(), one.severity, line(one.place.path.as_str(), one.place.span.start))).collect()
}

/// The errors and warnings of a service's lines, without those about images and resources.
fn of_service(lines: &str) -> Vec<(&'static str, Severity)> {
    let file = format!("services:\n  web:\n    image: shop:1\n{lines}\nvolumes: {{ data: {{ driver: local }} }}\n");
    let all = found(&[("stack.yml", &file), ("web/Dockerfile", "FROM alpine:3.20\n")]);
    let told = all.into_iter().filter(|(rule, severity, _)| *severity >= Severity::Warning && *rule != "SK2003");
    told.map(|(rule, severity, _)| (rule, severity)).collect()
}

#[test]
fn what_docker_drops_is_a_warning() {
    use Severity::Warning;
    for key in [
        "labels: { a: b }",
        "network: host",
        "extra_hosts: [\"a:1.2.3.4\"]",
        "shm_size: 64m",
        "secrets: [token]",
        "ssh: [default]",
        "additional_contexts: { base: ./base }",
        "privileged: true",
        "entitlements: [network.host]",
        "no_cache_filter: [a]",
    ] {
        let lines = format!("    build:\n      context: ./web\n      {key}");
        assert_eq!(of_service(&lines), [("SK2001", Warning)], "{key}");
    }
    for build in [
        "    build: https://github.com/example/shop.git#main",
        "    build: git@github.com:example/shop.git",
        "    build: { context: \"docker-image://alpine:3.20\" }",
        "    build: { dockerfile_inline: \"FROM alpine:3.20\" }",
    ] {
        assert_eq!(of_service(build), [("SK2001", Warning)], "{build}");
    }
    for lines in [
        "    tmpfs: [\"/run:uid=1000,size=64m\"]",
        "    tmpfs: /run:size=lots",
        "    tmpfs: /run:exec,nr_inodes=1k",
        "    volumes: [\"data:/data:ro,nosuid\"]",
        "    volumes: [{ type: tmpfs, target: /a, tmpfs: { size: 64m, uid: 1 } }]",
        "    volumes: [{ type: bind, source: /a, target: /b, bind: { selinux: z } }]",
    ] {
        let told = of_service(lines);
        assert!(
            told.iter().all(|(_, severity)| *severity == Warning) && told.iter().any(|(rule, _)| *rule == "SK2001"),
            "{lines}: {told:?}"
        );
    }
}

#[test]
fn a_build_that_skep_cannot_carry_out_needs_an_image() {
    let all = found(&[("stack.yml", "services: { web: { build: \"https://example.com/shop.git\" } }\n")]);
    let errors: Vec<_> =
        all.iter().filter(|(_, severity, _)| *severity == Severity::Error).map(|(rule, ..)| *rule).collect();
    assert_eq!(errors, ["SK1005"]);
}

#[test]
fn what_docker_deploys_all_the_same_is_no_error() {
    let web = |lines: &str, others: &str| {
        let text = format!("services:\n  web:\n    image: shop:1\n{lines}\n{others}");
        let all = found(&[("stack.yml", &text)]);
        all.into_iter()
            .filter(|(rule, ..)| ["SK1001", "SK1004", "SK1021"].contains(rule))
            .map(|(rule, severity, _)| (rule, severity))
            .collect::<Vec<_>>()
    };
    let warning = |rule| vec![(rule, Severity::Warning)];
    assert_eq!(web("    depends_on: [db]", ""), warning("SK1004"));
    assert_eq!(web("    depends_on: [db]", "  db: { image: \"a:1\", profiles: [x] }"), warning("SK1004"));
    assert_eq!(web("    depends_on: [db]", "  db: { image: \"a:1\", depends_on: [web] }"), warning("SK1004"));
    assert_eq!(web("    depends_on: [web]", ""), warning("SK1004"));
    assert_eq!(web("    healthcheck: { test: [\"CMD-SHELL\", \"pg_isready\", \"-U\", \"x\"] }", ""), warning("SK1021"));
    assert_eq!(web("    healthcheck: { test: [\"CMD-SHELL\", \"true\", \"\"] }", ""), warning("SK1021"));
    let error = |rule| vec![(rule, Severity::Error)];
    assert_eq!(web("    healthcheck: { test: [\"curl\", \"-f\", \"x\"] }", ""), error("SK1021"));
    let forever = "  db: { image: \"a:1\", restart: always }";
    assert_eq!(web("    depends_on: { db: { condition: service_completed_successfully } }", forever), error("SK1004"));
}

#[test]
fn merges_modes_and_volumes_of_each_task() {
    let text = "x-a: &a { MODE: b }\nservices:\n  web:\n    image: shop:1\n    environment:\n      !!merge <<: *a\n    secrets:\n      - { source: a, mode: \"0o400\" }\n      - { source: b, mode: 0o440 }\n      - { source: c, mode: \"0440\" }\nsecrets: { a: { external: true }, b: { external: true }, c: { external: true } }\n";
    assert!(
        found(&[("stack.yml", text)]).iter().all(|(_, severity, _)| *severity < Severity::Warning),
        "{:?}",
        found(&[("stack.yml", text)])
    );
    let db = |deploy: &str, volume: &str| {
        let text = format!(
            "services:\n  db:\n    image: postgres:17\n    volumes: [\"data:/var/lib/postgresql/data\"]\n    deploy: {deploy}\nvolumes: {{ data: {volume} }}\n"
        );
        found(&[("stack.yml", &text)]).iter().any(|(rule, ..)| *rule == "SK3005")
    };
    let spread = "{ replicas: 3, placement: { max_replicas_per_node: 1 } }";
    assert!(!db("{ replicas: 2 }", "{ name: \"db-{{.Task.Slot}}\" }"));
    assert!(!db("{ replicas: 2 }", "{ name: \"db-{{.Node.ID}}-{{.Task.Slot}}\", driver: local }"));
    assert!(!db(spread, "{ driver: local }") && !db(spread, "{}"));
    let first = "{ update_config: { order: start-first } }";
    assert!(db(first, "{ name: \"db-{{.Task.Slot}}\" }") && !db(first, "{ name: \"db-{{.Task.ID}}\" }"));
    assert!(db("{ replicas: 2 }", "{ name: db }"));
    assert!(db(spread, "{ driver: local, driver_opts: { type: nfs, o: \"addr=10.0.0.1,rw\", device: \":/db\" } }"));
    assert!(db(spread, "{ driver: ceph }") && db("{ replicas: 3, placement: { max_replicas_per_node: 2 } }", "{}"));
}

#[test]
fn secrets_of_commands_and_defaults() {
    let of = |lines: &str| {
        of_service(lines).into_iter().map(|(rule, _)| rule).filter(|rule| rule.starts_with("SK60")).collect::<Vec<_>>()
    };
    for lines in [
        "    command: etcd --initial-cluster-token shop --name a",
        "    command: [\"--initial-cluster-token=shop\"]",
        "    command: tool --image-pull-secret regcred --pad-token 1000",
        "    command: tool --token ${TOKEN:?say it}",
        "    environment: { PASSWORD: \"${PASSWORD}\", TOKEN: \"${TOKEN:-}\", URL: \"postgres://a:${PASS}@db/a\" }",
    ] {
        assert_eq!(of(lines), [""; 0], "{lines}");
    }
    for (lines, rule) in [
        ("    command: tool --token hunter2", "SK6004"),
        ("    command: tool --token ${TOKEN:-hunter2}", "SK6004"),
        ("    environment: { PASSWORD: \"${PASS:-hunter2}\" }", "SK6001"),
        ("    environment: [\"DB_PASS=${PASS-hunter2}\"]", "SK6001"),
        ("    environment: { URL: \"postgres://a:${PASS:-hunter2}@db/a\" }", "SK6001"),
        ("    environment: { URL: \"postgres://a:hunter2@${HOST:-db}/a\" }", "SK6001"),
    ] {
        assert_eq!(of(lines), [rule], "{lines}");
    }
    let stack = "services: { web: { image: \"shop:1\", env_file: [a.env, a.env.example] } }\n";
    let env = "# shop\nMODE=a\nPOSTGRES_PASSWORD=hunter2\nURL=\"amqp://a:hunter2@q\"\nTOKEN_FILE=/run/a\nNAME='x y'\n";
    let all = found(&[("stack.yml", stack), ("a.env", env), ("a.env.example", "PASSWORD=hunter2\n")]);
    let told: Vec<_> = all
        .iter()
        .filter(|(rule, ..)| ["SK6001", "SK2009"].contains(rule))
        .map(|(rule, _, line)| (*rule, *line))
        .collect();
    assert_eq!(told, [("SK6001", 3), ("SK2009", 4), ("SK6001", 4), ("SK2009", 6)]);
}

#[test]
fn no_finding_shows_a_secret() {
    let stack = "services:\n  web:\n    image: shop:1\n    env_file: a.env\n    environment:\n      - \"DB_PASSWORD=hunter2\"\n      - API_TOKEN=\"hunter2\"\n    command: tool --token hunter2 --url postgres://a:hunter2@db\n    labels: { x: \"redis://:hunter2@r\" }\n    deploy: { labels: { app.secret: 0x1f2 } }\n";
    let docker = "FROM alpine:3.20\nENV API_KEY=hunter2 URL=https://a:hunter2@b\nRUN echo root:hunter2 | chpasswd # TOKEN=hunter2 \\\n && b\nRUN curl -k https://a:hunter2@example.com\n";
    let revision = Revision::of(&[("stack.yml", stack), ("a.env", "PASSWORD=\"hunter2\"\n"), ("Dockerfile", docker)]);
    let all = findings(&revision, &BTreeMap::new(), &Settings::default());
    assert!(all.len() > 8, "{all:#?}");
    let shown = [
        render::human(&all, &revision.texts, false),
        render::short(&all, &revision.texts),
        render::remote(&all, &revision.texts, 100).join("\n"),
    ];
    for text in shown {
        let lines: Vec<&str> =
            text.lines().filter(|line| line.contains("hunter2") && !line.contains("chpasswd")).collect();
        assert!(lines.is_empty(), "{lines:#?}");
    }
}

#[test]
fn one_name_in_two_stacks() {
    let stack = |section: &str| format!("services: {{ web: {{ image: \"shop:1\" }} }}\n{section}\n");
    let of = |one: &str, two: &str| {
        let (one, two) = (stack(one), stack(two));
        let all = found(&[
            ("stacks/a/stack.yml", &one),
            ("stacks/b/stack.yml", &two),
            ("stacks/a/f", "1"),
            ("stacks/b/f", "2"),
        ]);
        all.into_iter().filter(|(rule, ..)| *rule == "SK1026").map(|(_, severity, _)| severity).collect::<Vec<_>>()
    };
    let config = "configs: { site: { file: ./f, name: site } }";
    assert_eq!(of(config, config), [Severity::Error]);
    assert_eq!(
        of("secrets: { a: { file: ./f, name: key } }", "secrets: { b: { file: ./f, name: key } }"),
        [Severity::Error]
    );
    assert_eq!(
        of("networks: { a: { name: front } }", "networks: { b: { name: front, attachable: true } }"),
        [Severity::Error]
    );
    let same = "configs: { site: { content: a, name: site } }";
    assert_eq!(of(same, same), [Severity::Warning]);
    assert_eq!(of(config, "configs: { site: { external: true, name: site } }"), []);
    assert_eq!(of(config, "secrets: { site: { file: ./f, name: site } }"), []);
    assert_eq!(of("configs: { site: { file: ./f } }", "configs: { site: { file: ./f } }"), []);
}

#[test]
fn files_that_a_push_does_not_bring() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n";
    let stack = "services:\n  web:\n    image: shop:1\n    configs: [a, b]\n    env_file: c.env\n    build: ./web\nconfigs: { a: { file: a.conf }, b: { file: lib/b.conf } }\n";
    let files = [
        ("stack.yml", stack),
        ("a.conf", pointer),
        ("lib/b.conf", "x"),
        ("c.env", "A=b\n"),
        (".gitattributes", "*.env filter=lfs\nweb/models/* filter=lfs diff=lfs\n"),
        (".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n[submodule \"v\"]\n\tpath = web/vendor/v\n"),
        ("web/Dockerfile", "FROM alpine:3.20\nCOPY models /models\nCOPY vendor /vendor\nCOPY app.py /\n"),
        ("web/models/m.bin", "x"),
        ("web/vendor/v/a", "x"),
        ("web/app.py", "x"),
    ];
    let told: Vec<_> =
        found(&files).into_iter().filter(|(rule, ..)| ["SK1027", "SK1008", "SK5022"].contains(rule)).collect();
    assert_eq!(
        told,
        [
            ("SK1027", Severity::Warning, 5),
            ("SK1027", Severity::Error, 7),
            ("SK1008", Severity::Error, 7),
            ("SK5022", Severity::Warning, 2),
            ("SK5022", Severity::Warning, 3),
        ]
    );
}

#[test]
fn what_is_not_shown_is_counted() {
    let each = |index| format!("  w{index}: {{ image: \"a:1\", container_name: c }}");
    let many = (0..120).map(each).collect::<Vec<_>>().join("\n");
    let revision = Revision::of(&[("stack.yml", &format!("services:\n{many}\n"))]);
    let all = findings(&revision, &BTreeMap::new(), &Settings::default());
    let of_rule: Vec<&str> = all.iter().filter(|one| one.id() == "SK2001").map(|one| one.message.as_str()).collect();
    assert_eq!(of_rule.len(), 51);
    assert!(of_rule.contains(&"70 more findings of this rule are not shown"), "{of_rule:?}");
}

#[test]
fn a_dollar_sign_that_begins_no_variable_is_told_in_its_line() {
    let stack = "services:\n  web:\n    image: shop:1\n    command:\n      - sh\n      - -c\n      - |\n        run $$ARGS\n        echo $? ${HOME:-/}\n        exit\n";
    let revision = Revision::of(&[("stack.yml", stack)]);
    let mut all = findings(&revision, &BTreeMap::new(), &Settings::default());
    all.retain(|finding| finding.id() == "SK1001");
    insta::assert_snapshot!(render::short(&all, &revision.texts), @"stack.yml:9:14: error[SK1001]: `$?` is not a variable");
}

#[test]
fn what_compose_reads_otherwise_in_an_env_file() {
    let said = |line: &str| {
        let stack = "services: { web: { image: \"shop:1\", env_file: a.env } }\n";
        let revision = Revision::of(&[("stack.yml", stack), ("a.env", line)]);
        let all = findings(&revision, &BTreeMap::new(), &Settings::default());
        let one = all.into_iter().find(|one| one.id() == "SK2009");
        one.map_or(String::new(), |one| format!("{}; {}", one.message, one.help.unwrap_or_default()))
    };
    insta::assert_snapshot!(said("A=\"b\" "), @"the quotes are part of the value of `A`; write `A=b`");
    insta::assert_snapshot!(said("A= 'b c'"), @"the quotes are part of the value of `A`; write `A=b c`");
    insta::assert_snapshot!(said("A=\"b\" # c"), @"the quotes are part of the value of `A`; write `A=b`");
    insta::assert_snapshot!(said("A=b # c"), @"the comment is part of the value of `A`; write `A=b`");
    insta::assert_snapshot!(said("A=\"b"), @"an unclosed quote is part of the value of `A`; write it in one line, without quotes, or mount it as a config or secret");
    insta::assert_snapshot!(said("A=${B:-c}/d"), @"a variable is not replaced and is part of the value of `A`; write it under `environment`, where variables are replaced");
    for line in [
        "A=b#c",
        "A=é# c",
        "A=#b",
        "A=b #c",
        "A=$B",
        "A={\"b\":\"c\"}",
        "A=\"a\"b",
        "A=p$${",
        "A=don't",
        "A=\"a\",\"b\",c",
        "# A=\"b\"",
    ] {
        assert_eq!(said(line), "", "{line}");
    }
}

#[test]
fn values_that_traefik_makes_nothing_of() {
    let file = |options: &str, labels: &str| {
        format!(
            "services:\n  proxy:\n    image: traefik:v3.7\n    command: [--providers.swarm=true, {options}]\n    deploy:\n      labels: {{ {labels} }}\n"
        )
    };
    let of = |options: &str, labels: &str| {
        let all = found(&[("stack.yml", &file(options, labels))]);
        all.into_iter().map(|(rule, ..)| rule).filter(|rule| ["SK4006", "SK4023"].contains(rule)).collect::<Vec<_>>()
    };
    assert_eq!(of("--entryPoints.web.address=80", ""), ["SK4023"]);
    assert_eq!(
        of("--entryPoints.web.address=:80, --entryPoints.web.forwardedHeaders.trustedIPs=proxy", ""),
        ["SK4023"]
    );
    let of_middleware =
        |label: &str| of("--entryPoints.web.address=:80/tcp", &format!("traefik.http.middlewares.a.{label}"));
    assert_eq!(of_middleware("ipallowlist.sourcerange: 10.0.0.0/40"), ["SK4006"]);
    assert_eq!(of_middleware("redirectregex.regex: \"^(.*\""), ["SK4006"]);
    assert_eq!(of_middleware("ipallowlist.sourcerange: \"10.0.0.0/8, ::1\""), [""; 0]);
}
