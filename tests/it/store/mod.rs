//! What every store must do, as one suite (`exercise!`), and what only the one on SQLite must.

mod cancel;
mod claim;
mod coalescing;
mod create_jobs;
mod diagnoses;
mod fairness;
pub(crate) mod fixtures;
mod host_isolation;
mod lane_pauses;
mod outcomes;
mod read_jobs;
mod recounting_store;
mod settlement;
mod sqlite;
mod tenant_quota;
mod timers;
mod verification;

/// One test for each duty, each on a fresh store: `$open` is an async function that gives something with a
/// `store() -> &dyn Store`. Another store passes the suite unchanged.
macro_rules! exercise {
    ($open:path; $($duty:ident { $($behaviour:ident,)+ })+) => { $(
        mod $duty { $(
            #[tokio::test]
            async fn $behaviour() {
                let fresh = $open().await;
                crate::store::$duty::$behaviour(fresh.store()).await;
            }
        )+ }
    )+ };
    ($open:path) => {
        crate::store::exercise! { $open;
            create_jobs {
                a_small_job_is_kept_whole,
                a_large_job_is_kept_whole,
                what_is_told_of_a_job_is_kept_with_it,
                many_jobs_at_once_are_kept_apart,
                a_key_used_again_is_answered_by_its_job,
                equal_keys_at_once_make_one_job,
                a_key_belongs_to_its_tenant,
                a_key_tells_its_job_to_its_tenant,
                a_key_is_forgotten_when_it_is_old_and_its_job_is_final,
                a_job_that_exists_already_fails_alone,
            }
            cancel {
                pending_items_are_cancelled_and_the_job_ends,
                what_was_sent_is_followed_unless_it_comes_back,
                what_comes_back_is_told_as_what_became_of_it,
                a_cancelled_row_that_fails_is_not_tried_again,
                a_cancelled_refresh_prefetches_nothing,
                what_failed_or_expired_can_be_read_back,
            }
            claim {
                urgent_leaves_first_and_then_who_came_first,
                equal_targets_share_a_place,
                a_batch_has_at_most_so_many_targets_and_bytes,
                a_lane_without_due_items_gives_nothing,
                lanes_do_not_mix,
                what_was_asked_after_a_batch_left_travels_again,
            }
            host_isolation {
                a_pile_of_a_parked_host_does_not_hold_up_who_may_go,
                a_refused_host_is_found_by_hosts_and_not_by_targets,
                a_parked_host_waits_apart_and_holds_nobody_up,
                what_a_refused_host_sent_waits_until_it_is_told,
                a_cancelled_job_is_not_parked,
                a_target_without_an_answer_holds_its_equals_and_nobody_else,
                proved_hosts_go_together_in_full_batches,
                hosts_that_the_provider_lists_as_online_need_no_proof,
                unproved_hosts_go_few_together,
                a_host_is_proved_by_a_call_and_doubted_by_a_refusal,
                urgent_work_waits_for_no_proof,
                lanes_that_are_claimed_in_step_have_turns_of_their_own,
            }
            diagnoses {
                the_item_that_tells_most_is_found,
                a_diagnosis_is_its_tenants_and_its_jobs_newest_is_found,
                outdated_diagnoses_go_a_few_at_a_time,
            }
            fairness {
                one_tenants_backlog_does_not_hold_another_up,
                weights_share_what_leaves,
                small_jobs_of_one_group_take_turns,
                a_tenant_that_was_away_has_saved_nothing_up,
                a_tenth_of_each_batch_is_for_the_oldest,
                riders_come_from_anywhere_in_the_lane,
                a_prefetch_waits_for_purges_of_other_jobs,
                a_prefetch_does_not_wait_for_a_purge_that_is_not_due,
                no_prefetch_rides_past_a_purge,
                a_rider_does_not_move_the_lanes_turn,
                equal_prefetches_go_together,
                a_target_below_thousands_of_directories_is_claimed,
            }
            outcomes {
                a_task_is_accepted_once,
                a_known_task_is_not_adopted_twice,
                an_account_or_operation_of_its_own_may_have_an_equal_task,
                a_submission_given_back_is_due_again,
                a_refused_batch_is_halved_until_one_target_is_to_blame,
                cohorts_stay_apart_through_other_troubles,
                cohorts_of_two_refusals_do_not_meet,
                urgent_work_does_not_wait_for_cohorts,
                a_lost_answer_holds_its_targets,
                what_was_sending_at_the_start_is_ambiguous,
                what_is_sending_is_told_until_it_is_answered,
                what_is_over_is_not_changed,
                an_outage_is_told_once,
            }
            lane_pauses {
                a_paused_lane_gives_nothing_until_it_is_resumed,
                a_lane_is_paused_once_and_may_be_paused_again,
                what_was_sent_before_a_pause_ends_as_ever,
                a_lane_tells_what_is_in_it_and_since_when,
            }
            coalescing {
                a_url_rides_on_the_directory_above_it,
                nobody_rides_on_what_has_left,
                who_rode_on_a_directory_that_failed_goes_by_itself,
                who_rode_on_a_refused_directory_goes_by_itself,
                only_what_surely_covers_a_url_carries_it,
                who_is_held_back_does_not_ride,
            }
            settlement {
                rows_that_are_done_succeed,
                a_failed_row_is_tried_again_until_its_attempts_are_spent,
                a_row_reported_twice_ends_once,
                a_job_is_told_of_its_own_failures,
                a_task_that_never_ends_fails_at_once,
                riders_end_together,
                a_prefetch_waits_for_its_purge,
                a_prefetch_fails_with_its_purge,
                a_refused_purge_fails_its_prefetch,
                refreshes_side_by_side_do_not_touch,
                a_prefetch_waits_for_every_directory_above_it,
                a_directory_that_is_done_first_frees_nothing,
                a_prefetch_fails_with_a_directory_above_it,
                a_refused_directory_fails_the_prefetches_below_it,
                a_prefetch_waits_for_nested_directories,
                directories_of_several_jobs_do_not_touch,
                a_prefetch_without_a_purge_of_its_own_waits_for_the_directories,
            }
            tenant_quota {
                a_tenant_beyond_its_share_waits_and_others_go,
                urgent_work_elsewhere_goes_before_what_is_normal_in_a_half,
                what_was_not_charged_is_not_drawn,
            }
            timers {
                a_delayed_item_is_due_at_its_moment,
                a_deadline_ends_only_what_is_pending,
                what_expires_keeps_its_failure,
                a_large_job_expires_in_turns,
                many_items_ripen_in_turns,
                the_next_moment_is_the_earliest,
            }
            verification {
                a_finished_job_wants_a_look,
                what_is_due_behind_a_pile_of_one_host_is_found_by_host,
                a_job_without_a_success_is_never_looked_at,
                a_sample_is_even_and_never_empty,
                only_the_first_verdict_counts,
                a_second_purge_is_told_with_the_verdict,
                urls_below_a_directory_are_known_from_jobs_of_late,
                what_was_not_looked_at_is_unknown_when_the_verdict_is_known,
            }
            read_jobs {
                pages_follow_each_other,
                the_last_of_what_happened_is_told_in_its_order,
                a_tenant_sees_its_own_jobs,
                an_example_of_what_is_pending_tells_why,
                open_submissions_are_found_by_their_moment,
                what_was_spent_is_counted_by_lane,
                lanes_tell_their_depth,
            }
        }
    };
}
use exercise;
