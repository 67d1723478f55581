//! The same scenarios on two real swarms and on the simulated one, in memory and behind a socket: that Docker does what
//! the simulation claims.
//!
//! The real ones are the engine at `/var/run/docker.sock`, a manager, and the newest one to be had, which
//! `scripts/newest.sh up` starts. Without one of them, and outside of CI, its part is skipped, and says so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bed;
mod credentials;
mod scenarios;

macro_rules! on_all {
    ($($scenario:ident)*) => {
        mod simulated {
            $(#[tokio::test]
            async fn $scenario() {
                crate::scenarios::$scenario(&crate::bed::Bed::simulated(stringify!($scenario))).await;
            })*
        }

        mod served {
            $(#[tokio::test]
            async fn $scenario() {
                let (bed, _socket) = crate::bed::Bed::served(stringify!($scenario));
                crate::scenarios::$scenario(&bed).await;
            })*
        }

        mod docker {
            $(#[tokio::test]
            async fn $scenario() {
                if let Some(bed) = crate::bed::Bed::docker(stringify!($scenario)) {
                    crate::scenarios::$scenario(&bed).await;
                }
            })*
        }

        mod newest {
            $(#[tokio::test]
            async fn $scenario() {
                if let Some(bed) = crate::bed::Bed::newest(stringify!($scenario)) {
                    crate::scenarios::$scenario(&bed).await;
                }
            })*
        }
    };
}

on_all! {
    a_rich_stack_comes_back_as_it_was_said
    whoever_was_overtaken_is_refused
    labels_of_configs_and_secrets_can_change
    names_are_taken_once_and_what_is_used_stays
    labels_leave_tasks_current_and_images_do_not
    ports_replace_tasks
    a_job_that_is_removed_stops
    a_crash_shows_its_exit_code_and_its_log
    a_missing_image_is_told
    what_was_set_by_hand_is_seen_and_goes_but_for_the_force_counter
    records_are_kept_and_belong_to_no_stack
    what_is_external_is_found
    the_hosts_network_has_its_name
    planning_after_applying_is_empty_however_it_is_written
    a_service_is_made_anew_in_another_mode
    who_is_around_is_seen
    what_is_removed_is_seen_until_it_has_stopped
    a_port_of_another_service_is_refused
    a_name_is_refused_where_we_say_so
    a_secret_with_other_content_is_known_by_an_update_that_cannot_be
}
