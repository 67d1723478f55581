//! Rules about Dockerfiles.

mod add_plain;
mod as_casing;
mod base_image_latest;
mod base_image_unpinned;
mod before_from;
mod blank_continuation;
mod broken_list;
mod copy_elsewhere;
mod copy_everything;
mod copy_from_itself;
mod copy_from_unknown;
mod copy_ignored;
mod copy_many;
pub(in crate::lint) mod copy_missing;
mod copy_relative;
mod description;
mod duplicate_stage;
mod env_of_itself;
mod expose_casing;
mod expose_mapping;
mod expose_port;
mod from_invalid;
mod from_undeclared;
mod keyword_casing;
mod label_empty;
mod label_hash;
mod label_key;
mod label_licence;
mod label_mail;
mod label_missing;
mod label_time;
mod label_unknown;
mod label_url;
mod label_version;
mod labels;
mod maintainer;
mod no_healthcheck;
mod old_pair;
mod onbuild_chain;
mod platform_constant;
mod platform_redundant;
mod repeated_cmd;
mod repeated_entrypoint;
mod repeated_healthcheck;
mod reserved_stage;
mod secret_name;
mod shell_form;
mod stage_casing;
mod syntax;
mod undefined_variable;
mod untrusted_registry;
mod user_by_name;
mod user_root;
mod without_stage;
mod workdir_relative;

use crate::lint::rule::Rule;

/// The rules about Dockerfiles, in the order of the manual.
pub(super) static RULES: &[&Rule] = &[
    &without_stage::RULE,
    &copy_missing::RULE,
    &copy_ignored::RULE,
    &stage_casing::RULE,
    &as_casing::RULE,
    &keyword_casing::RULE,
    &blank_continuation::RULE,
    &old_pair::RULE,
    &from_undeclared::RULE,
    &from_invalid::RULE,
    &undefined_variable::RULE,
    &expose_casing::RULE,
    &expose_mapping::RULE,
    &description::RULE,
    &broken_list::RULE,
    &copy_elsewhere::RULE,
    &syntax::RULE,
    &workdir_relative::RULE,
    &user_root::RULE,
    &base_image_unpinned::RULE,
    &base_image_latest::RULE,
    &expose_port::RULE,
    &repeated_healthcheck::RULE,
    &add_plain::RULE,
    &copy_many::RULE,
    &copy_from_unknown::RULE,
    &copy_from_itself::RULE,
    &duplicate_stage::RULE,
    &shell_form::RULE,
    &untrusted_registry::RULE,
    &platform_constant::RULE,
    &onbuild_chain::RULE,
    &env_of_itself::RULE,
    &copy_relative::RULE,
    &label_key::RULE,
    &label_missing::RULE,
    &label_unknown::RULE,
    &label_empty::RULE,
    &label_url::RULE,
    &label_time::RULE,
    &label_licence::RULE,
    &label_hash::RULE,
    &label_version::RULE,
    &no_healthcheck::RULE,
    &label_mail::RULE,
    &before_from::RULE,
    &reserved_stage::RULE,
    &secret_name::RULE,
    &platform_redundant::RULE,
    &user_by_name::RULE,
    &copy_everything::RULE,
    &maintainer::RULE,
    &repeated_cmd::RULE,
    &repeated_entrypoint::RULE,
];
