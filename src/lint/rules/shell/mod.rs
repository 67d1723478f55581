//! Rules about the shell scripts in `RUN`.

mod apk_cache;
mod apk_unpinned;
mod apt;
mod apt_lists;
mod apt_recommends;
mod apt_unpinned;
mod apt_without_yes;
mod backticks;
mod bare_glob;
mod brace_expansion;
mod change_directory;
mod commands;
mod consecutive_run;
mod copied_archive;
mod declared_output;
mod dnf_clean;
mod dnf_unpinned;
mod dnf_without_yes;
mod document_errors;
mod double_equals;
mod echo_escape;
mod echo_flag;
mod egrep;
mod find_xargs;
mod gem_unpinned;
mod globs;
mod go_unpinned;
mod literal_password;
mod lost_lines;
mod needless_backslash;
mod needless_subshell;
mod npm_unpinned;
mod packages;
mod pip_cache;
mod pip_unpinned;
mod pipefail;
mod repeated_in_range;
mod rm_root;
mod script_parentheses;
mod script_syntax;
mod set_option;
mod shell_link;
mod single_loop;
mod single_quoted_variable;
mod splits;
mod substring;
mod sudo;
mod tls_switched_off;
mod two_downloaders;
mod unassigned_variable;
mod unchecked_cd;
mod unchecked_download;
mod unchecked_negation;
mod unquoted_substitution;
mod unquoted_variable;
mod unread_pipe;
mod unsigned_packages;
mod untrusted_source;
mod useless_command;
mod useradd_log;
mod values;
mod wget_progress;
mod yarn_clean;
mod yum_clean;
mod yum_unpinned;
mod yum_without_yes;
mod zypper_clean;
mod zypper_unpinned;
mod zypper_upgrade;
mod zypper_without_yes;

use crate::lint::rule::Rule;

/// The rules about shell scripts, in the order of the manual.
pub(super) static RULES: &[&Rule] = &[
    &useless_command::RULE,
    &change_directory::RULE,
    &sudo::RULE,
    &apt::RULE,
    &apt_unpinned::RULE,
    &pip_unpinned::RULE,
    &npm_unpinned::RULE,
    &apk_unpinned::RULE,
    &gem_unpinned::RULE,
    &yum_unpinned::RULE,
    &dnf_unpinned::RULE,
    &zypper_unpinned::RULE,
    &go_unpinned::RULE,
    &apt_without_yes::RULE,
    &apt_recommends::RULE,
    &apk_cache::RULE,
    &yum_without_yes::RULE,
    &dnf_without_yes::RULE,
    &zypper_without_yes::RULE,
    &zypper_upgrade::RULE,
    &yum_clean::RULE,
    &dnf_clean::RULE,
    &zypper_clean::RULE,
    &yarn_clean::RULE,
    &apt_lists::RULE,
    &copied_archive::RULE,
    &pip_cache::RULE,
    &useradd_log::RULE,
    &wget_progress::RULE,
    &shell_link::RULE,
    &pipefail::RULE,
    &two_downloaders::RULE,
    &consecutive_run::RULE,
    &unquoted_variable::RULE,
    &unquoted_substitution::RULE,
    &declared_output::RULE,
    &script_syntax::RULE,
    &script_parentheses::RULE,
    &unchecked_cd::RULE,
    &unassigned_variable::RULE,
    &echo_escape::RULE,
    &unchecked_negation::RULE,
    &brace_expansion::RULE,
    &single_quoted_variable::RULE,
    &unread_pipe::RULE,
    &bare_glob::RULE,
    &single_loop::RULE,
    &echo_flag::RULE,
    &find_xargs::RULE,
    &egrep::RULE,
    &repeated_in_range::RULE,
    &substring::RULE,
    &backticks::RULE,
    &double_equals::RULE,
    &needless_backslash::RULE,
    &needless_subshell::RULE,
    &set_option::RULE,
    &rm_root::RULE,
    &unchecked_download::RULE,
    &tls_switched_off::RULE,
    &unsigned_packages::RULE,
    &untrusted_source::RULE,
    &literal_password::RULE,
    &lost_lines::RULE,
    &document_errors::RULE,
];
