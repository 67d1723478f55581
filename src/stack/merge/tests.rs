use proptest::prelude::*;

use super::*;
use crate::stack::yaml;

fn tree(text: &str) -> Node {
    yaml::parse(text.as_bytes()).unwrap()
}

/// A tree on one line.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Scalar { text, plain: false } => format!("{text:?}"),
        Value::Scalar { text, .. } => text.replace('~', ""),
        Value::Sequence(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Mapping(entries) => {
            let entry = |(key, value): &(Node, Node)| format!("{}: {}", key.raw(), shown(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// One service laid over another.
fn service(base: &str, over: &str) -> String {
    let mut merged = services(tree(base), tree(over), Zeros::Count);
    settle(&mut merged);
    shown(&merged)
}

fn as_docker(base: &str, over: &str) -> String {
    shown(&services(tree(base), tree(over), Zeros::AreNothing))
}

/// The same for whole files.
fn file(base: &str, over: &str) -> String {
    let mut merged = files(tree(base), tree(over), Zeros::Count);
    settle(&mut merged);
    shown(&merged)
}

#[test]
fn a_service_is_merged_key_by_key() {
    let table = [
        ("{image: a, user: x}", "{image: b}", "{image: b, user: x}"),
        ("{command: [a, b]}", "{command: c}", "{command: c}"),
        (
            "{healthcheck: {test: [CMD, a], retries: 3}}",
            "{healthcheck: {test: [CMD, b]}}",
            "{healthcheck: {test: [CMD, b], retries: 3}}",
        ),
        ("{dns: 1.1.1.1}", "{dns: [2.2.2.2]}", "{dns: [1.1.1.1, 2.2.2.2]}"),
        ("{cap_add: [A]}", "{cap_add: [B]}", "{cap_add: [A, B]}"),
        ("{environment: [A=1, B=2, C]}", "{environment: {B: \"\", A: }}", "{environment: {A: , B: \"\", C: }}"),
        ("{labels: {a: 1}}", "{labels: [a, b=2]}", "{labels: {a: \"\", b: \"2\"}}"),
        ("{networks: [a, b]}", "{networks: {b: {aliases: [x]}}}", "{networks: {a: , b: {aliases: [x]}}}"),
        ("{networks: {a: {aliases: [x]}}}", "{networks: [a]}", "{networks: {a: {aliases: [x]}}}"),
        ("{networks: {a: {aliases: [x]}}}", "{networks: {a: {aliases: [y]}}}", "{networks: {a: {aliases: [y]}}}"),
        ("{ulimits: {nofile: {soft: 1, hard: 2}}}", "{ulimits: {nofile: 3}}", "{ulimits: {nofile: 3}}"),
        ("{depends_on: [a]}", "{depends_on: {b: {condition: c}}}", "{depends_on: {a: , b: {condition: c}}}"),
        ("{build: .}", "{build: {args: [A=1]}}", "{build: {context: ., args: [A=1]}}"),
        (
            "{extra_hosts: {a: 1.1.1.1}}",
            "{extra_hosts: [\"b:2.2.2.2\"]}",
            "{extra_hosts: [\"a=1.1.1.1\", \"b:2.2.2.2\"]}",
        ),
        (
            "{deploy: {replicas: 2, placement: {constraints: [a]}}}",
            "{deploy: {replicas: 0, placement: {constraints: [b]}}}",
            "{deploy: {replicas: 0, placement: {constraints: [a, b]}}}",
        ),
        ("{logging: {driver: a, options: {x: 1}}}", "{logging: {driver: b}}", "{logging: {driver: b}}"),
        (
            "{logging: {driver: a, options: {x: 1}}}",
            "{logging: {options: {y: 2}}}",
            "{logging: {driver: a, options: {x: 1, y: 2}}}",
        ),
        (
            "{x-skep: {http: a.b}}",
            "{x-skep: {http: {port: 80}, test: [x]}}",
            "{x-skep: {http: {host: a.b, port: 80}, test: [x]}}",
        ),
        ("{read_only: true}", "{read_only: false}", "{read_only: false}"),
        ("{environment: {A: 1}}", "{environment: }", "{environment: {A: 1}}"),
    ];
    for (base, over, merged) in table {
        assert_eq!(service(base, over), merged, "{base} and {over}");
    }
}

#[test]
fn what_can_be_there_once_is_replaced() {
    let table = [
        // Docker knows a port by its number alone, and puts all that are not published together.
        (
            "{ports: [\"53:53/tcp\", \"53:53/udp\", \"80\", \"81\"]}",
            "{image: a}",
            "{ports: [\"53:53/tcp\", \"53:53/udp\", \"80\", \"81\"], image: a}",
        ),
        (
            "{ports: [\"53:53/tcp\", \"53:53/udp\"]}",
            "{ports: [{target: 9, published: 53}]}",
            "{ports: [\"53:53/udp\", {target: 9, published: 53}]}",
        ),
        ("{ports: [\"80:80\"]}", "{ports: [\"81:80\"]}", "{ports: [\"80:80\", \"81:80\"]}"),
        (
            "{ports: [\"80-81:80-81\"]}",
            "{ports: [\"81:9\"]}",
            "{ports: [{target: \"80\", protocol: \"tcp\", mode: \"ingress\", published: \"80\"}, \"81:9\"]}",
        ),
        (
            "{volumes: [\"z:/z\", \"b:/a:ro\"]}",
            "{volumes: [{type: bind, source: /x, target: /a}]}",
            "{volumes: [{type: bind, source: /x, target: /a}, \"z:/z\"]}",
        ),
        ("{secrets: [s, {source: s, target: t}]}", "{image: a}", "{secrets: [s, {source: s, target: t}], image: a}"),
        (
            "{secrets: [s, {source: s, target: t}]}",
            "{secrets: [{source: s, target: t, uid: 1}]}",
            "{secrets: [s, {source: s, target: t, uid: 1}]}",
        ),
        (
            "{configs: [{source: c, target: /c}, d]}",
            "{configs: [{source: c, target: /e}]}",
            "{configs: [d, {source: c, target: /e}]}",
        ),
    ];
    for (base, over, merged) in table {
        assert_eq!(service(base, over), merged, "{base} and {over}");
    }
}

#[test]
fn a_tag_says_how_a_value_is_laid_over_another() {
    let table = [
        ("{ports: [\"80:80\"], image: a}", "{ports: !reset null}", "{image: a}"),
        ("{ports: [\"80:80\"]}", "{ports: !override [\"81:81\"]}", "{ports: [\"81:81\"]}"),
        ("{environment: {A: 1, B: 2}}", "{environment: {A: !reset null}}", "{environment: {B: 2}}"),
        ("{environment: {A: 1}}", "{environment: !override {B: 2}}", "{environment: {B: 2}}"),
    ];
    for (base, over, merged) in table {
        assert_eq!(service(base, over), merged, "{base} and {over}");
    }
    assert_eq!(
        file("{services: {a: {image: x}, b: {image: y}}}", "{services: {a: !reset null}}"),
        "{services: {b: {image: y}}}"
    );
}

#[test]
fn for_docker_what_is_nothing_changes_nothing() {
    let table = [
        ("{read_only: true, user: a}", "{read_only: false, user: \"\"}", "{read_only: true, user: a}"),
        ("{stop_grace_period: 5s}", "{stop_grace_period: 0s}", "{stop_grace_period: 5s}"),
        ("{environment: {A: 1}}", "{environment: {A: \"\"}}", "{environment: {A: 1}}"),
        ("{labels: {a: b}}", "{labels: {a: \"\"}}", "{labels: {a: \"\"}}"),
        (
            "{deploy: {replicas: 3, update_config: {parallelism: 2, delay: 5s}}}",
            "{deploy: {replicas: 0, update_config: {parallelism: 0, delay: 0s}}}",
            "{deploy: {replicas: 0, update_config: {parallelism: 0, delay: 5s}}}",
        ),
        ("{healthcheck: {retries: 3}}", "{healthcheck: {retries: 0}}", "{healthcheck: {retries: 0}}"),
        ("{volumes: [\"b:/b\", \"a:/a\"]}", "{user: x}", "{volumes: [\"a:/a\", \"b:/b\"], user: x}"),
        ("{environment: {A: , B: x}}", "{environment: {A: \"\", B: \"\"}}", "{environment: {A: \"\", B: x}}"),
        ("{environment: {A: \"\", B: x}}", "{environment: [A, B]}", "{environment: {A: , B: x}}"),
        ("{entrypoint: a, command: b c}", "{entrypoint: [], command: \"\"}", "{entrypoint: a, command: b c}"),
    ];
    for (base, over, merged) in table {
        assert_eq!(as_docker(base, over), merged, "{base} and {over}");
    }
}

#[test]
fn what_is_defined_at_the_top_is_taken_whole() {
    assert_eq!(
        file("{networks: {n: {attachable: true}, m: }}", "{networks: {n: {labels: {a: b}}}}"),
        "{networks: {n: {labels: {a: b}}, m: }}"
    );
    assert_eq!(
        file("{secrets: {s: {file: a, labels: {x: y}}}}", "{secrets: {s: {external: true}}}"),
        "{secrets: {s: {external: true}}}"
    );
    // Docker reads the whole folder as the secret here.
    assert_eq!(
        file("{secrets: {s: {file: a}}}", "{secrets: {s: {labels: {a: b}}}}"),
        "{secrets: {s: {file: a, labels: {a: b}}}}"
    );
    assert_eq!(file("{x-skep: {deadline: 1m}}", "{x-skep: {prune: false}}"), "{x-skep: {deadline: 1m, prune: false}}");
}

#[test]
fn a_merged_value_keeps_its_place() {
    let (base, mut over) = (tree("{image: a, labels: {x: 1}}"), tree("{labels: {y: 2, x: 3}}"));
    over.shift(100);
    let merged = services(base, over, Zeros::Count);
    let place = |keys: &[&str]| merged.at(keys).unwrap().span.start;
    assert_eq!((place(&["image"]), place(&["labels", "y"]), place(&["labels", "x"])), (8, 113, 119));
    assert_eq!(merged.get("labels").unwrap().entry("x").unwrap().0.span.start, 116);
}

/// Services made of a few keys and values, so that they meet.
fn any_service() -> impl Strategy<Value = String> {
    const ENTRIES: &[&str] = &[
        "image: a",
        "image: b",
        "image: !reset null",
        "command: [a, b]",
        "command: c",
        "dns: 1.1.1.1",
        "dns: [2.2.2.2]",
        "environment: {A: 1}",
        "environment: [A=2, B]",
        "environment: !override {C: 1}",
        "ports: [\"80:80\"]",
        "ports: [{target: 1, published: 80}, \"53:53/udp\"]",
        "ports: !reset null",
        "volumes: [\"a:/a\", \"b:/b\"]",
        "volumes: [\"c:/a\"]",
        "networks: [a]",
        "networks: {a: {aliases: [x]}}",
        "labels: [a=b]",
        "deploy: {replicas: 2}",
        "deploy: {replicas: 0, labels: {a: b}}",
        "logging: {options: {a: b}}",
        "healthcheck: {test: [CMD, x]}",
        "healthcheck: {retries: 1}",
        "secrets: [s]",
        "configs: [{source: s, target: /t}]",
    ];
    prop::sample::subsequence(ENTRIES, 0..6).prop_map(|entries| {
        let mut seen = std::collections::BTreeSet::new();
        let first = entries.into_iter().filter(|entry| seen.insert(entry.split(':').next()));
        format!("{{{}}}", first.collect::<Vec<_>>().join(", "))
    })
}

proptest! {
    #[test]
    fn nothing_changes_nothing(service in any_service()) {
        let node = tree(&service);
        prop_assert_eq!(&services(node.clone(), tree("{}"), Zeros::Count), &node);
        let over_nothing = services(tree("{}"), node.clone(), Zeros::Count);
        prop_assert!(over_nothing.says_the_same(&node));
    }

    #[test]
    fn it_does_not_matter_which_are_merged_first([a, b, c] in [any_service(), any_service(), any_service()]) {
        let merged = |base: Node, over: Node| services(base, over, Zeros::Count);
        let mut left = merged(merged(tree(&a), tree(&b)), tree(&c));
        let mut right = merged(tree(&a), merged(tree(&b), tree(&c)));
        settle(&mut left);
        settle(&mut right);
        prop_assert!(left.says_the_same(&right), "{} and {}", shown(&left), shown(&right));
    }
}
