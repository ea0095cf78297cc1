//! Lanes as callers see them, and holding one back by hand.

use super::caller::lacks;
use super::{Caller, InputError, Service, ServiceError};
use crate::domain::{LaneId, LaneState, ScopeWord, Timestamp, WaitingReason};
use crate::engine::{Wait, lane_paused};
use crate::store::{Guarded, LanePause, LaneRecord};

/// Bytes of the reason that may be given for a pause.
const REASON_BYTES_MAX: usize = 256;

/// A lane at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneDetails {
    pub record: LaneRecord,
    pub state: LaneState,
    /// Why it is not running.
    pub why: Option<Wait>,
    /// Calls per second that its action may make now; none if its account is not configured any more.
    pub calls_per_second: Option<u32>,
    /// Calls since the start that went apart from the lane's other targets.
    pub calls_apart: u64,
    /// As of when.
    pub now: Timestamp,
}

impl Service {
    /// Every lane that was ever used. Lanes belong to accounts, so every caller with a right to read sees them all.
    ///
    /// # Errors
    /// The caller may not look; the store cannot be read.
    pub async fn lanes(&self, caller: &Caller) -> Result<Vec<LaneDetails>, ServiceError> {
        caller.visible()?;
        let now = self.clock.now();
        Ok(self.store.lanes().await?.into_iter().map(|record| self.lane_view(record, now)).collect())
    }

    /// Pauses a lane until a person resumes it. One that is paused already keeps its first pause.
    ///
    /// # Errors
    /// No such lane; the scope `control` is missing; a reason that is too long.
    pub async fn pause_lane(
        &self,
        caller: &Caller,
        id: LaneId,
        reason: Option<&str>,
    ) -> Result<LaneDetails, ServiceError> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
            let detail = format!("a reason has at most {REASON_BYTES_MAX} bytes");
            return Err(ServiceError::Invalid(vec![InputError {
                pointer: "/reason".to_owned(),
                code: "reason_size",
                detail,
            }]));
        }
        self.controlled_lane(caller, id).await?;
        let pause = LanePause { by: caller.audited(), at: self.clock.now(), reason: reason.map(str::to_owned) };
        if self.store.pause_lane(id, pause.clone()).await? == Guarded::Done {
            tracing::warn!(lane.id = id.0, by = %pause.by, reason = reason.unwrap_or_default(), "a lane was paused");
        }
        self.changed_lane(caller, id).await
    }

    /// Lets a lane go on. One that is not paused is left as it is.
    ///
    /// # Errors
    /// No such lane; the scope `control` is missing.
    pub async fn resume_lane(&self, caller: &Caller, id: LaneId) -> Result<LaneDetails, ServiceError> {
        self.controlled_lane(caller, id).await?;
        let by = caller.audited();
        if self.store.resume_lane(id, &by, self.clock.now()).await? == Guarded::Done {
            tracing::warn!(lane.id = id.0, by = %by, "a lane was resumed");
        }
        self.changed_lane(caller, id).await
    }

    async fn changed_lane(&self, caller: &Caller, id: LaneId) -> Result<LaneDetails, ServiceError> {
        self.notifiers.submitter.notify();
        self.notifiers.jobs.notify();
        self.controlled_lane(caller, id).await
    }

    async fn controlled_lane(&self, caller: &Caller, id: LaneId) -> Result<LaneDetails, ServiceError> {
        if !caller.scopes.may_control() {
            return Err(lacks(ScopeWord::Control));
        }
        let lane_record = self.store.lanes().await?.into_iter().find(|record| record.id == id);
        let record = lane_record.ok_or(ServiceError::NotFound("lane"))?;
        Ok(self.lane_view(record, self.clock.now()))
    }

    fn lane_view(&self, record: LaneRecord, now: Timestamp) -> LaneDetails {
        // The lane's status is as old as the submitter's last step; whether the lane is paused is read from the store.
        let wait = self.lane_statuses.lane(record.id).0.filter(|waiting| waiting.reason != WaitingReason::LanePaused);
        let is_idle = record.due.iter().sum::<u64>() == 0;
        let (state, why) = match (&record.paused, wait) {
            (Some(pause), _) => (LaneState::Paused, Some(lane_paused(pause))),
            (None, Some(waiting)) if !is_idle => (LaneState::Waiting, Some(waiting)),
            (None, _) => (LaneState::Running, None),
        };
        let calls_per_second = self.engine_status.rate(&record.lane, now);
        let calls_apart = self.lane_statuses.isolated_calls(record.id);
        LaneDetails { record, state, why, calls_per_second, calls_apart, now }
    }
}
