//! The actions of a history, and what they do to the environment.

use std::time::Duration;

use refreshd::domain::{ItemState, JobId, LaneId, ServiceDay};
use refreshd::engine::ServiceKind;
use refreshd::sandbox::DomainStatus;
use refreshd::service::{Caller, JobInput, ServiceError};
use refreshd::store::IdempotencyKey;

use super::History;
use super::environment::{LOCKED, cut_off};
use super::invariants::Acknowledged;
use super::provider_faults;
use super::workload;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Post,
    PostAndHangUp,
    PostAgain,
    Cancel,
    Retry,
    Step,
    Round,
    BeginOne,
    BeginSome,
    BeginAll,
    PassMillis,
    PassSeconds,
    PassHours,
    PassMidnight,
    BreakOut,
    CalmDown,
    Meddle,
    Lock,
    Unplug,
    Plug,
    PauseLane,
    ResumeLane,
    Ail,
    BreakOff,
    Die,
    DieInStep,
    DieInCall,
}

/// How often each happens.
pub(super) const WEIGHTS: [(usize, Action); 27] = [
    (10, Action::Post),
    (1, Action::PostAndHangUp),
    (2, Action::PostAgain),
    (3, Action::Cancel),
    (2, Action::Retry),
    (30, Action::Step),
    (16, Action::Round),
    (14, Action::BeginOne),
    (6, Action::BeginSome),
    (10, Action::BeginAll),
    (14, Action::PassMillis),
    (8, Action::PassSeconds),
    (1, Action::PassHours),
    (1, Action::PassMidnight),
    (5, Action::BreakOut),
    (3, Action::CalmDown),
    (1, Action::Meddle),
    (1, Action::Lock),
    (2, Action::Unplug),
    (3, Action::Plug),
    (1, Action::PauseLane),
    (2, Action::ResumeLane),
    (3, Action::Ail),
    (1, Action::BreakOff),
    (2, Action::Die),
    (3, Action::DieInStep),
    (2, Action::DieInCall),
];

/// A body that was posted with a key, and the job that it created.
#[derive(Clone)]
pub(super) struct Keyed {
    tenant: usize,
    key: IdempotencyKey,
    input: JobInput,
    job: JobId,
}

impl History {
    pub(super) async fn act(&mut self, action: Action) -> Result<(), String> {
        // Only what fails from now on is an excuse.
        self.world.ailment.was_felt();
        match action {
            Action::Post => self.post().await?,
            Action::PostAndHangUp => self.post_and_hang_up().await,
            Action::PostAgain => self.post_again().await?,
            Action::Cancel => self.cancel().await,
            Action::Retry => self.retry().await?,
            Action::Step => self.step_one().await?,
            Action::Round => {
                for kind in ServiceKind::ALL {
                    self.record_and_step(kind).await?;
                }
                self.world.begin_all().await;
            }
            Action::BeginOne => self.begin_some(1).await,
            Action::BeginSome => self.begin_some(3).await,
            Action::BeginAll => self.world.begin_all().await,
            Action::PassMillis => self.pass(1, 2_000).await,
            Action::PassSeconds => self.pass(2_000, 90_000).await,
            Action::PassHours => self.pass(600_000, 5 * 3_600_000).await,
            Action::PassMidnight => self.pass_midnight().await,
            Action::BreakOut => {
                let cloud = self.any_cloud();
                let told = provider_faults::break_out(&cloud, self.temper, &mut self.excuses, &mut self.dice);
                self.tell(&told);
            }
            Action::CalmDown => self.any_cloud().set_faults(Vec::new()),
            Action::Meddle if self.temper.outside_spending => {
                let account = self.any_account();
                let site = &self.world.sites[&account];
                let told = provider_faults::meddle(site, &mut self.excuses, &mut self.dice).await;
                self.tell(&told);
            }
            Action::Meddle => {}
            Action::Lock => {
                let status = *self.dice.one(&[DomainStatus::Offline, DomainStatus::Online]);
                self.tell(&format!("{status:?}"));
                self.world.sites["first"].cloud().set_domain_status(LOCKED, status);
            }
            Action::Unplug | Action::Plug => {
                let account = self.any_account();
                self.world.cut(&account, action == Action::Unplug);
                self.tell(&account);
            }
            Action::PauseLane => self.pause_lane().await,
            Action::ResumeLane => self.resume_lane().await?,
            Action::Ail => {
                let (changes, after) = (1 + self.dice.below(3), self.dice.percent(50));
                self.tell(&format!("{changes} changes, after they were made: {after}"));
                self.world.ailment.strike(u32::try_from(changes).unwrap_or(1), after);
            }
            Action::BreakOff => {
                let account = self.any_account();
                self.world.break_off(&account, true);
                self.tell(&account);
            }
            Action::Die => {
                self.world.die().await;
                self.rise_later().await;
            }
            Action::DieInStep => self.die_in_step().await,
            Action::DieInCall => self.die_in_call().await,
        }
        Ok(())
    }

    async fn post(&mut self) -> Result<(), String> {
        let tenant = self.dice.below(3);
        let input = workload::drawn(self.world.now(), &mut self.dice);
        let key = self.dice.percent(40).then(|| IdempotencyKey {
            key: format!("key-{}", self.posts),
            fingerprint: [u8::try_from(self.posts % 256).unwrap_or(0); 32],
        });
        self.posts += 1;
        self.tell(&format!("{} {:?} {:?} for {tenant}", input.operation, input.urls, input.directories));
        let service = self.world.service();
        let accepted = service.accept(&workload::caller(tenant), &input, key.clone()).await;
        if self.world.ailment.was_felt() && accepted.is_err() {
            return Ok(());
        }
        let job = accepted.map_err(|refusal| format!("a good job was refused: {refusal}: {input:?}"))?.view.job.id;
        self.told.push(Acknowledged { id: job, items: workload::items(&input) });
        self.tenants.push(tenant);
        self.keyed.extend(key.map(|key| Keyed { tenant, key, input, job }));
        Ok(())
    }

    /// The caller disconnects before the answer: the job may be stored or not, and is not acknowledged.
    async fn post_and_hang_up(&mut self) {
        let input = workload::drawn(self.world.now(), &mut self.dice);
        let polls = self.dice.below(4);
        let service = self.world.service().clone();
        let answer = cut_off(service.accept(&workload::caller(0), &input, None), polls).await;
        service.store.drain(Duration::from_secs(30)).await;
        if let Some(Ok(accepted)) = answer {
            self.told.push(Acknowledged { id: accepted.view.job.id, items: workload::items(&input) });
            self.tenants.push(0);
        }
    }

    async fn post_again(&mut self) -> Result<(), String> {
        if self.keyed.is_empty() {
            return Ok(());
        }
        let Keyed { tenant, mut key, input, job } = self.dice.one(&self.keyed).clone();
        let other_body = self.dice.percent(30);
        if other_body {
            key.fingerprint = [255; 32];
        }
        let answer = self.world.service().accept(&workload::caller(tenant), &input, Some(key.clone())).await;
        let ailed = self.world.ailment.was_felt();
        match answer {
            Err(ServiceError::Store(_)) if ailed => Ok(()),
            Err(ServiceError::KeyReused) if other_body => Ok(()),
            Ok(accepted) if accepted.replayed && !other_body && accepted.view.job.id == job => Ok(()),
            // The key has expired, or `not_before` is past: a new job, or none.
            Ok(accepted) if !accepted.replayed && self.keys_may_be_forgotten() => {
                self.told.push(Acknowledged { id: accepted.view.job.id, items: workload::items(&input) });
                self.tenants.push(tenant);
                self.keyed.retain(|keyed| keyed.key.key != key.key);
                Ok(())
            }
            Err(ServiceError::Invalid(_)) if self.keys_may_be_forgotten() => Ok(()),
            other => Err(format!("law 1: {job} was asked for again with its key, and the answer was {other:?}")),
        }
    }

    async fn cancel(&mut self) {
        if !self.told.is_empty() {
            let place = self.dice.below(self.told.len());
            let (job, caller) = (self.told[place].id, workload::caller(self.tenants[place]));
            let answer = self.world.service().cancel(&caller, job).await.map(|view| view.job.counts);
            self.tell(&format!("{job}: {answer:?}"));
        }
    }

    /// The new job has everything that failed or expired.
    async fn retry(&mut self) -> Result<(), String> {
        let finished = self.laws.before.jobs.values();
        let failed: Vec<JobId> =
            finished.filter(|job| job.counts.failed + job.counts.expired > 0).map(|job| job.id).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let job = *self.dice.one(&failed);
        let Some(place) = self.told.iter().position(|told| told.id == job) else { return Ok(()) };
        let caller = workload::caller(self.tenants[place]);
        let tenant = self.tenants[place];
        let answer = self.world.service().retry(&caller, job).await.map(|accepted| accepted.view.job.id);
        self.tell(&format!("{job}: {answer:?}"));
        if self.world.ailment.was_felt() && answer.is_err() {
            return Ok(());
        }
        let Ok(new) = answer else { return Err(format!("law 7: {job} cannot be retried: {answer:?}")) };
        let rows = self.reader.read().await;
        let (old_items, new_items) = (rows.items_of(job), rows.items_of(new));
        let missing = |item: &(String, String)| !new_items.iter().any(|(_, new)| new == item);
        let unsuccessful = |state: ItemState| matches!(state, ItemState::Failed | ItemState::Expired);
        let mut lost = old_items.into_iter().filter(|(state, item)| unsuccessful(*state) && missing(item));
        if let Some((_, lost)) = lost.next() {
            return Err(format!("law 7: the retry {new} of {job} leaves out {lost:?}"));
        }
        self.told.push(Acknowledged { id: new, items: new_items.into_iter().map(|(_, item)| item).collect() });
        self.tenants.push(tenant);
        Ok(())
    }

    async fn pause_lane(&mut self) {
        let lanes: Vec<i64> = self.laws.before.lanes.keys().copied().collect();
        if lanes.is_empty() {
            return;
        }
        let lane = *self.dice.one(&lanes);
        let answer = self.world.service().pause_lane(&Caller::local(), LaneId(lane), None).await;
        self.tell(&format!("lane {lane}: {}", answer.is_ok()));
        if answer.is_ok() {
            self.paused.insert(lane);
        } else {
            self.resumed_in_vain.insert(lane);
        }
    }

    pub(super) async fn resume_lane(&mut self) -> Result<(), String> {
        let Some(lane) = self.paused.first().copied() else { return Ok(()) };
        // Whether it succeeds or not, nothing is expected of the lane any more.
        self.paused.remove(&lane);
        let answer = self.world.service().resume_lane(&Caller::local(), LaneId(lane)).await;
        self.tell(&format!("lane {lane}: {}", answer.is_ok()));
        if answer.is_err() {
            if !self.world.ailment.was_felt() {
                return Err(format!("lane {lane} cannot be resumed: {answer:?}"));
            }
            self.resumed_in_vain.insert(lane);
        }
        Ok(())
    }

    async fn step_one(&mut self) -> Result<(), String> {
        let weights = [
            (10, ServiceKind::Submitter),
            (6, ServiceKind::Poller),
            (5, ServiceKind::Reconciler),
            (4, ServiceKind::QuotaReader),
            (1, ServiceKind::Cleaner),
            (2, ServiceKind::Verifier),
        ];
        let kind = self.dice.weighed(&weights);
        self.tell(&format!("{kind:?}"));
        self.record_and_step(kind).await?;
        Ok(())
    }

    async fn begin_some(&mut self, most: usize) {
        for _ in 0..most {
            let kinds: Vec<ServiceKind> =
                ServiceKind::ALL.into_iter().filter(|kind| self.world.engine().prepared(*kind) > 0).collect();
            if kinds.is_empty() {
                break;
            }
            let kind = *self.dice.one(&kinds);
            let place = self.dice.below(self.world.engine().prepared(kind));
            self.tell(&format!("{kind:?} {place}"));
            self.world.engine().begin(kind, place);
        }
        self.world.settle().await;
    }

    async fn pass(&mut self, from: usize, to: usize) {
        let span = self.dice.millis(from, to);
        self.tell(&format!("{span:?}"));
        self.world.pass(span).await;
    }

    /// To a moment close to the provider's midnight, on either side.
    async fn pass_midnight(&mut self) {
        self.world.finish_calls().await;
        let now = self.world.now();
        let remaining = ServiceDay::east_of_utc(8).next_reset(now).since(now);
        let off = self.dice.millis(0, 3_000);
        let span = if self.dice.percent(50) { remaining + off } else { remaining.saturating_sub(off) };
        self.world.pass(span).await;
    }

    async fn die_in_step(&mut self) {
        let (kind, moves) = (*self.dice.one(&ServiceKind::ALL), self.dice.below(12));
        let cut = self.world.step_cut_off(kind, moves).await;
        self.tell(&format!("{kind:?} after {moves} moves, cut off: {cut}"));
        self.world.die().await;
        self.rise_later().await;
    }

    async fn die_in_call(&mut self) {
        for kind in ServiceKind::ALL {
            while self.world.engine().prepared(kind) > 0 && self.dice.percent(70) {
                self.world.engine().begin(kind, 0);
            }
        }
        for _ in 0..self.dice.below(30) {
            tokio::task::yield_now().await;
        }
        self.world.die().await;
        self.rise_later().await;
    }

    async fn rise_later(&mut self) {
        if self.dice.percent(40) {
            let down = self.dice.weighed(&[(6, 5_000), (2, 120_000), (1, 8 * 3_600_000)]);
            let span = self.dice.millis(1, down);
            self.tell(&format!("down for {span:?}"));
            self.world.clock.advance(span);
        }
        self.world.rise().await;
        self.restarted = true;
    }
}
