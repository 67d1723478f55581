//! The body of a service in the API, limited to the properties of stack files, for reading and writing.
//!
//! Every keyword is free text and every field may be absent, so that values of a newer engine do not prevent
//! reading a stack. Other properties are found by comparison ([`super::decode`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! body {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_attr:meta])* $field:ident: $type:ty),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Default, Clone, Serialize, Deserialize)]
        #[allow(clippy::struct_field_names, reason = "the names are the API's")]
        #[serde(default, rename_all = "PascalCase")]
        pub(super) struct $name {
            $($(#[$field_attr])* pub(super) $field: $type,)*
        }
    )* };
}

pub(super) type Labels = BTreeMap<String, String>;

body! {
    ServiceSpec {
        name: String,
        labels: Labels,
        task_template: TaskTemplate,
        mode: Mode,
        #[serde(skip_serializing_if = "Option::is_none")]
        update_config: Option<UpdateConfig>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rollback_config: Option<UpdateConfig>,
        endpoint_spec: EndpointSpec,
    }

    TaskTemplate {
        container_spec: ContainerSpec,
        resources: Requirements,
        #[serde(skip_serializing_if = "Option::is_none")]
        restart_policy: Option<RestartPolicy>,
        placement: Placement,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        networks: Vec<NetworkAttachment>,
        #[serde(skip_serializing_if = "Option::is_none")]
        log_driver: Option<Driver>,
        force_update: u64,
    }

    ContainerSpec {
        image: String,
        labels: Labels,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        command: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        args: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hostname: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        env: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dir: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        groups: Vec<String>,
        privileges: Privileges,
        #[serde(skip_serializing_if = "Option::is_none")]
        init: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_signal: Option<String>,
        #[serde(rename = "TTY", skip_serializing_if = "is_default")]
        tty: bool,
        #[serde(skip_serializing_if = "is_default")]
        open_stdin: bool,
        #[serde(skip_serializing_if = "is_default")]
        read_only: bool,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        mounts: Vec<Mount>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stop_grace_period: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        healthcheck: Option<Healthcheck>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        hosts: Vec<String>,
        #[serde(rename = "DNSConfig", skip_serializing_if = "Option::is_none")]
        dns_config: Option<DnsConfig>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        secrets: Vec<SecretReference>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        configs: Vec<ConfigReference>,
        #[serde(skip_serializing_if = "Option::is_none")]
        isolation: Option<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        sysctls: Labels,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        capability_add: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        capability_drop: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ulimits: Vec<Ulimit>,
        #[serde(skip_serializing_if = "is_default")]
        oom_score_adj: i64,
    }

    /// The Docker CLI sends it even if it is empty.
    Privileges {
        credential_spec: Option<CredentialSpec>,
        #[serde(rename = "SELinuxContext")]
        selinux_context: Option<SelinuxContext>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seccomp: Option<Confinement>,
        #[serde(skip_serializing_if = "Option::is_none")]
        app_armor: Option<Confinement>,
        no_new_privileges: bool,
    }

    SelinuxContext {
        disable: bool,
        #[serde(skip_serializing_if = "String::is_empty")]
        user: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        role: String,
        #[serde(rename = "Type", skip_serializing_if = "String::is_empty")]
        kind: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        level: String,
    }

    /// Of seccomp or `AppArmor`.
    Confinement {
        #[serde(skip_serializing_if = "String::is_empty")]
        mode: String,
    }

    /// One of these, or none. The Docker CLI sends all three.
    CredentialSpec {
        config: String,
        file: String,
        registry: String,
    }

    Mount {
        #[serde(rename = "Type")]
        kind: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        source: String,
        target: String,
        #[serde(skip_serializing_if = "is_default")]
        read_only: bool,
        #[serde(skip_serializing_if = "String::is_empty")]
        consistency: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        bind_options: Option<BindOptions>,
        #[serde(skip_serializing_if = "Option::is_none")]
        volume_options: Option<VolumeOptions>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tmpfs_options: Option<TmpfsOptions>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cluster_options: Option<Nothing>,
    }

    BindOptions {
        #[serde(skip_serializing_if = "String::is_empty")]
        propagation: String,
    }

    VolumeOptions {
        #[serde(skip_serializing_if = "is_default")]
        no_copy: bool,
        #[serde(skip_serializing_if = "String::is_empty")]
        subpath: String,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        labels: Labels,
        #[serde(skip_serializing_if = "Option::is_none")]
        driver_config: Option<Driver>,
    }

    TmpfsOptions {
        #[serde(skip_serializing_if = "is_default")]
        size_bytes: i64,
        #[serde(skip_serializing_if = "is_default")]
        mode: u32,
    }

    Driver {
        #[serde(skip_serializing_if = "String::is_empty")]
        name: String,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        options: Labels,
    }

    Healthcheck {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        test: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        interval: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        start_period: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        start_interval: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retries: Option<u64>,
    }

    DnsConfig {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        nameservers: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        search: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    }

    SecretReference {
        file: File,
        #[serde(rename = "SecretID")]
        secret_id: String,
        secret_name: String,
    }

    /// One without a file is of a Windows credential spec and not a mounted config.
    ConfigReference {
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<File>,
        #[serde(skip_serializing_if = "Option::is_none")]
        runtime: Option<Nothing>,
        #[serde(rename = "ConfigID")]
        config_id: String,
        config_name: String,
    }

    File {
        name: String,
        #[serde(rename = "UID")]
        uid: String,
        #[serde(rename = "GID")]
        gid: String,
        mode: u32,
    }

    Ulimit {
        name: String,
        hard: i64,
        soft: i64,
    }

    Requirements {
        #[serde(skip_serializing_if = "Option::is_none")]
        limits: Option<Resources>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reservations: Option<Resources>,
    }

    Resources {
        #[serde(rename = "NanoCPUs", skip_serializing_if = "is_default")]
        nano_cpus: i64,
        #[serde(skip_serializing_if = "is_default")]
        memory_bytes: i64,
        #[serde(skip_serializing_if = "is_default")]
        pids: i64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        generic_resources: Vec<GenericResource>,
    }

    GenericResource {
        #[serde(skip_serializing_if = "Option::is_none")]
        discrete_resource_spec: Option<DiscreteResource>,
    }

    DiscreteResource {
        #[serde(skip_serializing_if = "String::is_empty")]
        kind: String,
        #[serde(skip_serializing_if = "is_default")]
        value: i64,
    }

    RestartPolicy {
        #[serde(skip_serializing_if = "String::is_empty")]
        condition: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        delay: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_attempts: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        window: Option<i64>,
    }

    Placement {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        constraints: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        preferences: Vec<Preference>,
        #[serde(skip_serializing_if = "is_default")]
        max_replicas: u64,
        /// The platforms of the image from the registry. Only written, since stack files lack it.
        #[serde(skip_serializing_if = "Vec::is_empty", skip_deserializing)]
        platforms: Vec<Platform>,
    }

    Platform {
        #[serde(skip_serializing_if = "String::is_empty")]
        architecture: String,
        #[serde(rename = "OS", skip_serializing_if = "String::is_empty")]
        os: String,
    }

    Preference {
        #[serde(skip_serializing_if = "Option::is_none")]
        spread: Option<Spread>,
    }

    Spread {
        spread_descriptor: String,
    }

    NetworkAttachment {
        target: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        aliases: Vec<String>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        driver_opts: Labels,
    }

    Mode {
        #[serde(skip_serializing_if = "Option::is_none")]
        replicated: Option<Replicated>,
        #[serde(skip_serializing_if = "Option::is_none")]
        global: Option<Nothing>,
        #[serde(skip_serializing_if = "Option::is_none")]
        replicated_job: Option<ReplicatedJob>,
        #[serde(skip_serializing_if = "Option::is_none")]
        global_job: Option<Nothing>,
    }

    Replicated {
        #[serde(skip_serializing_if = "Option::is_none")]
        replicas: Option<u64>,
    }

    ReplicatedJob {
        #[serde(skip_serializing_if = "Option::is_none")]
        max_concurrent: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        total_completions: Option<u64>,
    }

    Nothing {}

    UpdateConfig {
        parallelism: u64,
        #[serde(skip_serializing_if = "is_default")]
        delay: Option<i64>,
        #[serde(skip_serializing_if = "String::is_empty")]
        failure_action: String,
        #[serde(skip_serializing_if = "is_default")]
        monitor: Option<i64>,
        max_failure_ratio: f64,
        order: String,
    }

    EndpointSpec {
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ports: Vec<Port>,
    }

    Port {
        #[serde(skip_serializing_if = "String::is_empty")]
        protocol: String,
        target_port: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        published_port: Option<u16>,
        #[serde(skip_serializing_if = "String::is_empty")]
        publish_mode: String,
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
