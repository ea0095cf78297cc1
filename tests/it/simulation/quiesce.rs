//! The end of a history: all faults end, the engine runs until nothing is open, and all ledgers must agree.

use std::time::Duration;

use refreshd::domain::{SubmissionState, Timestamp};
use refreshd::engine::ServiceKind;

use super::environment::World;
use super::{History, provider_faults, provider_ledger};
use crate::support::acknowledged_jobs;

impl History {
    /// Ends the faults, and runs the engine until nothing is open.
    pub(super) async fn heal(&mut self) -> Result<(), String> {
        /// Rounds of all services. The slowest thing is a job that waits for the next day.
        const ROUNDS_MAX: usize = 6_000;
        const DAYS_MAX: u64 = 6;
        /// What comes due one after the other is done together: healing takes most of a history's time. A prefetch behind a
        /// purge that waits for tomorrow is looked at every few seconds until then.
        const STRIDE_MIN: Duration = Duration::from_secs(1);
        const STRIDE_MAX: Duration = Duration::from_secs(60);
        self.tell("everything heals");
        self.world.ailment.strike(0, false);
        for (account, cloud) in self.world.clouds() {
            provider_faults::heal(cloud);
            self.world.cut(account, false);
            self.world.break_off(account, false);
        }
        self.paused.append(&mut self.resumed_in_vain);
        while !self.paused.is_empty() {
            self.resume_lane().await?;
        }
        let healed_at = self.world.now();
        let mut next_of = ServiceKind::ALL.map(|_| Some(healed_at));
        let mut heard = usize::MAX;
        for _ in 0..ROUNDS_MAX {
            let now = self.world.now();
            let answered = ServiceKind::ALL.iter().any(|kind| self.world.engine().unrecorded(*kind) > 0);
            let had_news = answered || heard != self.checks;
            heard = self.checks;
            self.excuses.ledger_is_high = self.world.ailment.has_lied();
            // An item is in one submission, so all the answers together move it once.
            for kind in ServiceKind::ALL {
                self.record(kind, now).await?;
            }
            self.check().await?;
            for (kind, next) in ServiceKind::ALL.into_iter().zip(&mut next_of) {
                if had_news || heard != self.checks || next.is_some_and(|at| at <= now) {
                    *next = self.step(kind, now).await?;
                }
            }
            let next = next_of.into_iter().flatten().min();
            self.check().await?;
            if self.laws.before.is_over() {
                return Ok(());
            }
            if self.world.now().since(healed_at) > Duration::from_secs(DAYS_MAX * 24 * 3600) {
                break;
            }
            let stride = (self.world.now().since(healed_at) / 50).clamp(STRIDE_MIN, STRIDE_MAX);
            self.go_on(next, heard != self.checks, stride).await?;
        }
        let open: Vec<_> = self.laws.before.jobs.values().filter(|job| job.finished_at.is_none()).collect();
        Err(format!("law 8: after {:?} still open: {open:?}", self.world.now().since(healed_at)))
    }

    /// Runs the calls, or lets time pass until something is due.
    async fn go_on(&mut self, next: Option<Timestamp>, had_news: bool, stride: Duration) -> Result<(), String> {
        let is_prepared = |world: &mut World| ServiceKind::ALL.iter().any(|kind| world.engine().prepared(*kind) > 0);
        let had_calls = is_prepared(&mut self.world);
        self.world.begin_all().await;
        let unrecorded = ServiceKind::ALL.iter().any(|kind| self.world.engine().unrecorded(*kind) > 0);
        if had_calls && unrecorded {
            return Ok(());
        }
        let now = self.world.now();
        if !had_calls && !had_news && next.is_some_and(|at| at <= now) && self.world.engine().under_way() == 0 {
            return Err(format!("a hot loop: a service wants to step at {next:?} again, and finds nothing at {now:?}"));
        }
        let awaited = self.world.clock.awaited().first().copied();
        let at = next.into_iter().chain(awaited).filter(|at| *at > now).min();
        self.world.pass(at.map_or(stride, |at| at.since(now).max(stride))).await;
        Ok(())
    }

    /// Nothing is under way: what the engine takes for left is what the provider has, and its ledger is its rows'.
    async fn law_3_what_is_left_is_known(&mut self) -> Result<Vec<String>, String> {
        /// After so long the provider is asked again.
        const ASKED_AGAIN: Duration = Duration::from_secs(600);
        self.world.pass(ASKED_AGAIN).await;
        self.record_and_step(ServiceKind::QuotaReader).await?;
        self.world.finish_calls().await;
        let now = self.world.now();
        let pools = self.world.service().engine_status.pools(now);
        let judged = pools.iter().flat_map(|pool| {
            let cloud = self.world.sites[pool.account.as_str()].cloud();
            provider_ledger::law_3_what_is_left_is_known(pool, cloud, &self.laws, self.excuses, now)
        });
        Ok(judged.collect())
    }

    pub(super) async fn check_the_end(&mut self) -> Result<(), String> {
        let mut broken = Vec::new();
        for (account, books) in &self.books {
            let tasks = self.world.sites[account].cloud().tasks().await;
            broken.extend(books.law_4_charged_is_spent(account, &tasks, &self.laws));
        }
        broken.extend(self.law_3_what_is_left_is_known().await?);
        let open = self.laws.before.submissions.iter().filter(|(_, one)| one.state == SubmissionState::Sending);
        broken.extend(open.map(|(id, one)| format!("law 2: submission {id} is nobody's and hangs: {one:?}")));
        self.world.die().await;
        let told: Vec<_> = self
            .told
            .iter()
            .map(|job| acknowledged_jobs::Acknowledged { id: job.id.to_string(), items: job.items.len() })
            .collect();
        broken.extend(acknowledged_jobs::violations(&self.world.file(), &told, None, true).await);
        if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
    }
}
