//! Rules about stack files, and about the repository around them.

mod amount;
mod anonymous_volume;
mod attempts;
mod capability;
mod constraint;
mod databases;
mod deadline;
mod decimal_mode;
mod dependency;
mod dnsrr_ingress;
mod docker_socket;
mod duplicate_mount;
mod duplicate_port;
mod duplicate_target;
mod encrypted_file;
mod endless_log;
mod env_file;
mod fixed_name;
mod goes_on;
mod healthcheck_form;
mod host_port_start_first;
mod idle_folder;
mod ignored_key;
mod image_reference;
mod image_unpinned;
mod job_update;
mod lfs_pointer;
mod linked_file;
mod listing;
mod literal_quotes;
mod local_network;
mod long_name;
mod loose_bind;
mod misnamed_stack;
mod missing_file;
mod named_twice;
mod no_healthcheck;
mod no_image;
mod no_limit;
mod no_services;
pub(in crate::lint) mod no_stack_file;
mod node_folder;
mod not_renderable;
mod not_understood;
mod passed_over;
mod plain_secret;
mod plain_secret_file;
mod published_database;
mod quoted_file_value;
mod quoted_port;
mod read_otherwise;
mod registry;
mod reservation;
mod secret_in_command;
mod shared_data;
mod shared_name;
mod shared_port;
mod start_beside;
mod stop_first;
mod template;
mod trailing_blank;
mod two_writers;
mod undefined;
mod unread_file;
pub(in crate::lint) mod unset_variable;
mod unused;
mod version_key;

use crate::lint::rule::Rule;
pub(in crate::lint) use crate::mask::is_secret_name as looks_secret;

/// The rules about stack files, in the order of the manual.
pub(super) static RULES: &[&Rule] = &[
    &not_understood::RULE,
    &no_stack_file::RULE,
    &undefined::RULE,
    &dependency::RULE,
    &no_image::RULE,
    &image_reference::RULE,
    &missing_file::RULE,
    &linked_file::RULE,
    &long_name::RULE,
    &dnsrr_ingress::RULE,
    &duplicate_port::RULE,
    &duplicate_mount::RULE,
    &misnamed_stack::RULE,
    &no_services::RULE,
    &unread_file::RULE,
    &not_renderable::RULE,
    &duplicate_target::RULE,
    &template::RULE,
    &passed_over::RULE,
    &amount::RULE,
    &healthcheck_form::RULE,
    &constraint::RULE,
    &shared_port::RULE,
    &job_update::RULE,
    &local_network::RULE,
    &shared_name::RULE,
    &lfs_pointer::RULE,
    &listing::RULE,
    &ignored_key::RULE,
    &read_otherwise::RULE,
    &unused::RULE,
    &fixed_name::RULE,
    &anonymous_volume::RULE,
    &decimal_mode::RULE,
    &literal_quotes::RULE,
    &named_twice::RULE,
    &quoted_file_value::RULE,
    &unset_variable::RULE,
    &env_file::RULE,
    &idle_folder::RULE,
    &no_healthcheck::RULE,
    &host_port_start_first::RULE,
    &image_unpinned::RULE,
    &deadline::RULE,
    &two_writers::RULE,
    &attempts::RULE,
    &reservation::RULE,
    &loose_bind::RULE,
    &shared_data::RULE,
    &no_limit::RULE,
    &endless_log::RULE,
    &stop_first::RULE,
    &goes_on::RULE,
    &start_beside::RULE,
    &plain_secret::RULE,
    &encrypted_file::RULE,
    &plain_secret_file::RULE,
    &secret_in_command::RULE,
    &docker_socket::RULE,
    &capability::RULE,
    &published_database::RULE,
    &node_folder::RULE,
    &registry::RULE,
    &quoted_port::RULE,
    &version_key::RULE,
    &trailing_blank::RULE,
];
