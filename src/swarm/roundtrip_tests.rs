//! Whatever a stack can say of a service comes back from its body as it was said, and nothing else does.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;

use super::{decode, encode};
use crate::name::{ServiceName, StackName};
use crate::stack::{
    Attachment, Condition, CredentialSpec, FileReference, Healthcheck, Logging, Mode, Mount, Nanos, Port, Privileges,
    Resources, RestartPolicy, SelinuxContext, Service, UpdateConfig, VolumeOptions,
};

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9=:/. é-]{0,8}"
}

fn key() -> impl Strategy<Value = String> {
    "[a-z]{1,5}"
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(key(), text(), 0..3)
}

fn nanos() -> impl Strategy<Value = Option<Nanos>> {
    of((1..i64::MAX).prop_map(Nanos))
}

/// A text that says something, if it is there.
fn some_text() -> impl Strategy<Value = Option<String>> {
    of("[a-z]{1,8}")
}

fn sorted<T: Ord + std::fmt::Debug>(items: impl Strategy<Value = Vec<T>>) -> impl Strategy<Value = Vec<T>> {
    items.prop_map(|mut items| {
        items.sort();
        items
    })
}

prop_compose! {
    fn volume_options()(
        nocopy: bool, subpath in text(), labels in labels(), owned: bool, driver in text(), driver_opts in labels(),
    ) -> VolumeOptions {
        VolumeOptions { nocopy, subpath, labels, owned, driver, driver_opts }
    }
}

prop_compose! {
    fn mount()(
        target in key(), kind in "volume|bind|tmpfs|npipe|image|cluster", source in text(), read_only: bool,
        consistency in text(), propagation in text(), volume in volume_options(),
        (tmpfs_size, tmpfs_mode) in (0..9_i64, 0..9_u32), empty: bool,
    ) -> Mount {
        let takes_options = (kind == "bind" && propagation.is_empty()) || (kind == "tmpfs" && tmpfs_size == 0 && tmpfs_mode == 0);
        let empty_options = empty && takes_options;
        let has_options = kind == "volume" && !source.is_empty();
        Mount { target, kind, source, read_only, consistency, propagation, volume: has_options.then_some(volume), tmpfs_size, tmpfs_mode, empty_options }
    }
}

prop_compose! {
    fn file()(source in key(), target in text(), uid in key(), gid in key(), mode: u32) -> FileReference {
        FileReference { source, target, uid, gid, mode }
    }
}

prop_compose! {
    fn healthcheck()(
        test in texts(), interval in nanos(), timeout in nanos(), start_period in nanos(), start_interval in nanos(),
        retries in of(1..u64::MAX),
    ) -> Healthcheck {
        Healthcheck { test, interval, timeout, start_period, start_interval, retries }
    }
}

prop_compose! {
    fn update_config()(
        parallelism: u64, delay in nanos(), failure_action in text(), monitor in nanos(), share in 0..=4_u8, order in text(),
    ) -> UpdateConfig {
        UpdateConfig { parallelism, delay, failure_action, monitor, max_failure_ratio: f64::from(share) / 4.0, order }
    }
}

prop_compose! {
    fn resources()(
        nano_cpus: i64, memory: i64, pids: i64, generic in btree_map(key(), any::<i64>(), 0..3), nothing: bool,
    ) -> Resources {
        let empty = Resources { empty: true, ..Resources::default() };
        if nothing { empty } else { Resources { nano_cpus, memory, pids, generic, empty: false } }
    }
}

prop_compose! {
    fn restart_policy()(condition in text(), delay in nanos(), max_attempts in of(any::<u64>()), window in nanos()) -> RestartPolicy {
        RestartPolicy { condition, delay, max_attempts, window }
    }
}

prop_compose! {
    fn port()(published in of(any::<u16>()), target: u16, protocol in text(), mode in text()) -> Port {
        Port { published, target, protocol, mode }
    }
}

prop_compose! {
    fn privileges()(
        no_new_privileges: bool, (seccomp, apparmor) in (text(), text()), disable: bool,
        (user, role, kind, level) in (text(), text(), text(), text()), labelled: bool,
    ) -> Privileges {
        let context = SelinuxContext { disable, user, role, kind, level };
        let selinux = Some(context).filter(|context| labelled && *context != SelinuxContext::default());
        Privileges { no_new_privileges, seccomp, apparmor, selinux }
    }
}

fn credentials() -> impl Strategy<Value = CredentialSpec> {
    prop_oneof![
        key().prop_map(|config| CredentialSpec { config, ..CredentialSpec::default() }),
        key().prop_map(|file| CredentialSpec { file, ..CredentialSpec::default() }),
        key().prop_map(|registry| CredentialSpec { registry, ..CredentialSpec::default() }),
    ]
}

fn attachment() -> impl Strategy<Value = Attachment> {
    (texts(), labels()).prop_map(|(aliases, driver_opts)| Attachment { aliases, driver_opts })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        of(any::<u64>()).prop_map(Mode::Replicated),
        Just(Mode::Global),
        of(any::<u64>()).prop_map(Mode::ReplicatedJob),
        Just(Mode::GlobalJob),
    ]
}

prop_compose! {
    fn container()(
        image in text(), image_as_written in text(), (entrypoint, command) in (texts(), texts()),
        environment in btree_map(key(), of(text()), 0..4), (working_dir, user, hostname) in (some_text(), some_text(), some_text()),
        (tty, stdin_open, read_only, init) in any::<(bool, bool, bool, Option<bool>)>(),
        (isolation, stop_signal) in (some_text(), some_text()), stop_grace_period in nanos(),
        healthcheck in of(healthcheck()), container_labels in labels(), volumes in sorted(vec(mount(), 0..3)),
        (configs, secrets) in (sorted(vec(file(), 0..3)), sorted(vec(file(), 0..3))), credential_spec in of(credentials()),
        (group_add, security_opt, oom_score_adj) in (texts(), privileges(), -9..9_i64),
    ) -> Service {
        Service {
            image, image_as_written, entrypoint, command, environment, working_dir, credential_spec, user, group_add, security_opt,
            oom_score_adj, hostname, tty, stdin_open, read_only, init, isolation, stop_signal, stop_grace_period, healthcheck,
            container_labels, volumes, configs, secrets, ..Service::default()
        }
    }
}

prop_compose! {
    fn service()(
        container in container(), labels in labels(), networks in btree_map(key(), attachment(), 0..3),
        (extra_hosts, dns, dns_search, dns_opt) in (texts(), texts(), texts(), texts()), (cap_add, cap_drop) in (sorted(texts()), sorted(texts())),
        (sysctls, ulimits) in (labels(), btree_map(key(), any::<(i64, i64)>(), 0..3)),
        logging in of((text(), labels()).prop_map(|(driver, options)| Logging { driver, options })),
        (mode, limits, reservations) in (mode(), resources(), resources()),
        (restart_policy, update_config, rollback_config) in (of(restart_policy()), of(update_config()), of(update_config())),
        (constraints, preferences, max_replicas_per_node) in (texts(), texts(), any::<u64>()),
        ports in sorted(vec(port(), 0..3)), endpoint_mode in some_text(),
    ) -> Service {
        Service {
            labels, networks, extra_hosts, dns, dns_search, dns_opt, cap_add, cap_drop, sysctls, ulimits, logging, mode, limits,
            reservations, restart_policy, update_config, rollback_config, constraints, preferences, max_replicas_per_node,
            ports, endpoint_mode, ..container
        }
    }
}

fn names() -> (StackName, ServiceName) {
    ("shop".parse().unwrap(), "web".parse().unwrap())
}

fn body(service: &Service) -> Value {
    let (stack, key) = names();
    let id = |file: &FileReference| (file.source.clone(), format!("id-{}", file.source));
    let ids = encode::Ids {
        configs: service.config_names().map(|name| (name.to_owned(), format!("id-{name}"))).collect(),
        secrets: service.secrets.iter().map(id).collect(),
    };
    serde_json::to_value(encode::service(&stack, &key, service, &ids).unwrap()).unwrap()
}

fn read(body: &Value) -> (Service, BTreeMap<String, String>) {
    let (stack, key) = names();
    decode::service(&stack, &key, body).unwrap()
}

proptest! {
    #[test]
    fn a_service_comes_back_as_it_was_said(service in service()) {
        // As the engine answers: without the nulls that Go writes.
        let mut body = body(&service);
        crate::engine::leave_out_nulls(&mut body);
        prop_assert_eq!(read(&body), (service, BTreeMap::new()));
    }
}

#[test]
fn the_least_body_is_that_of_the_docker_cli() {
    let service = Service {
        image: "bb:1@sha256:aa".into(),
        image_as_written: "bb:1".into(),
        networks: BTreeMap::from([(
            "shop_default".into(),
            Attachment { aliases: vec!["web".into()], ..Attachment::default() },
        )]),
        depends_on: BTreeMap::from([("db".parse().unwrap(), Condition::Started)]),
        ..Service::default()
    };
    insta::assert_snapshot!(body(&service), @r#"{"Name":"shop_web","Labels":{"com.docker.stack.image":"bb:1","com.docker.stack.namespace":"shop"},"TaskTemplate":{"ContainerSpec":{"Image":"bb:1@sha256:aa","Labels":{"com.docker.stack.namespace":"shop"},"Privileges":{"CredentialSpec":null,"SELinuxContext":null,"NoNewPrivileges":false}},"Resources":{},"Placement":{},"Networks":[{"Target":"shop_default","Aliases":["web"]}],"ForceUpdate":0},"Mode":{"Replicated":{}},"EndpointSpec":{}}"#);
}

#[test]
fn what_no_file_can_say_is_named_by_its_place() {
    let mut body = body(&Service { dns: vec!["1.1.1.1".into()], ..Service::default() });
    let container = &mut body["TaskTemplate"]["ContainerSpec"];
    container["Privileges"] = serde_json::json!({ "CredentialSpec": { "File": "spec.json" } });
    container["Mounts"] = serde_json::json!([
        { "Type": "volume", "Target": "/a" },
        { "Type": "bind", "Source": "/b", "Target": "/b", "BindOptions": { "NonRecursive": true } },
    ]);
    body["TaskTemplate"]["ForceUpdate"] = 3.into();
    body["TaskTemplate"]["Runtime"] = "container".into();
    body["TaskTemplate"]["Placement"]["Platforms"] = serde_json::json!([{ "OS": "linux" }]);
    body["EndpointSpec"]["Ports"] = serde_json::json!([{ "Name": "http", "TargetPort": 80 }]);
    let unknown: Vec<String> = read(&body).1.into_iter().map(|(place, value)| format!("{place} = {value}")).collect();
    insta::assert_snapshot!(unknown.join("\n"), @"
    EndpointSpec.Ports[0].Name = http
    TaskTemplate.ContainerSpec.Mounts[1].BindOptions.NonRecursive = true
    ");
}

#[test]
fn a_credential_spec_in_a_config_that_is_not_listed_has_its_id() {
    let mut body = body(&Service::default());
    body["TaskTemplate"]["ContainerSpec"]["Privileges"] =
        serde_json::json!({ "CredentialSpec": { "Config": "c0ffee" } });
    let (service, unknown) = read(&body);
    assert_eq!(service.credential_spec.unwrap().config, "c0ffee");
    assert_eq!(unknown, BTreeMap::new());
}
