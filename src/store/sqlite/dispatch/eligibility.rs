//! What keeps a due item of a lane that may send from going: a call without an answer that has its target (law 4), an open
//! purge that a prefetch waits for (law 6), or a host that the provider refused. Such items are deferred for a while.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::{Row, SqliteConnection};

use super::batch::Candidate;
use super::deferral::Deferral;
use super::isolation_group::NORMAL;
use super::open_purges::OpenPurges;
use crate::domain::{LaneId, Target, Timestamp, WaitingReason};
use crate::store::sqlite::codec::{columns, target_key};
use crate::store::sqlite::writer::command;
use crate::store::{Grant, StoreError, SuspendedHost};

/// How soon a target whose earlier call has no answer is looked at again.
const HOLD_LOOK: Duration = Duration::from_secs(1);
/// How soon a prefetch whose purge is open is looked at again, and how much later each further one: a hundred thousand below
/// one directory are not worth more than two hundred looks a second.
const PURGE_LOOK: Duration = Duration::from_secs(5);
const PURGE_LOOK_EACH: Duration = Duration::from_millis(5);
pub(crate) struct Eligibility<'a> {
    grant: &'a Grant,
    /// Some call has no answer.
    some_held: bool,
    /// The lane sends prefetches.
    prefetches: bool,
    held_targets: HashSet<String>,
    open_purges: OpenPurges,
    /// Prefetches deferred for a purge.
    put_off: u32,
    /// Rows of refusals, by host, and of waits that this claim has already.
    refusals: HashMap<String, i64>,
    waits: HashMap<WaitingReason, i64>,
    now: Timestamp,
}

impl<'a> Eligibility<'a> {
    pub(crate) async fn load(grant: &'a Grant, now: Timestamp, db: &mut SqliteConnection) -> Result<Self, StoreError> {
        let row = sqlx::query(
            "select exists (select 1 from submissions where state = 'ambiguous') as some_held, \
             exists (select 1 from lanes where id = $1 and operation = 'prefetch') as prefetches",
        )
        .bind(grant.lane.0)
        .fetch_one(db)
        .await?;
        let (some_held, prefetches) = (row.try_get("some_held")?, row.try_get("prefetches")?);
        Ok(Self {
            grant,
            some_held,
            prefetches,
            held_targets: HashSet::new(),
            open_purges: OpenPurges::default(),
            put_off: 0,
            refusals: HashMap::new(),
            waits: HashMap::new(),
            now,
        })
    }

    /// Whether an item may be deferred at all.
    pub(crate) fn may_defer(&self) -> bool {
        let Grant { suspended_hosts: suspects, shares, .. } = self.grant;
        self.some_held || self.prefetches || !suspects.is_empty() || !shares.is_empty()
    }

    /// Reads what holds these targets back, in one statement for each reason.
    pub(crate) async fn load_for(
        &mut self,
        targets: impl Iterator<Item = &Target> + Clone,
        db: &mut SqliteConnection,
    ) -> Result<(), StoreError> {
        if !self.some_held && !self.prefetches {
            return Ok(());
        }
        if self.some_held {
            let texts = targets.clone().map(Target::as_str);
            self.held_targets.extend(Self::held_targets(self.grant.lane, texts, &mut *db).await?);
        }
        if self.prefetches {
            self.open_purges.load(targets, db, self.now).await?;
        }
        Ok(())
    }

    /// Of these targets of a lane, and of others, those whose call has no answer.
    pub(crate) async fn held_targets(
        lane: LaneId,
        texts: impl Iterator<Item = &str>,
        db: &mut SqliteConnection,
    ) -> Result<HashSet<String>, StoreError> {
        let keys: Vec<i64> = texts.map(target_key::of).collect();
        let held_targets = sqlx::query_scalar(sql!("held_targets.sql")).bind(lane.0).bind(columns::json(&keys)?);
        Ok(held_targets.fetch_all(db).await?.into_iter().collect())
    }

    /// Whether a purge that covers the target was asked for before, and is open. Its target has been loaded.
    pub(crate) fn waits_for_purge(&self, item: i64, target: &Target) -> bool {
        self.open_purges.before(item, target).is_some()
    }

    /// What becomes of the candidate instead of going, if it may not. Its target has been loaded.
    pub(crate) async fn deferral(
        &mut self,
        candidate: &Candidate,
        group: i64,
        db: &mut SqliteConnection,
    ) -> Result<Option<Deferral>, StoreError> {
        let grant = self.grant;
        let target = &candidate.target;
        if let Some(suspended) = grant.suspended_hosts.iter().find(|suspended| suspended.host == target.host()) {
            let own_group = suspended.refused.0 * 2;
            if self.now < suspended.until {
                let failure = self.refusal(suspended, db).await?;
                return Ok(Some(Deferral::park(candidate, suspended.until, own_group, failure)));
            }
            if group == NORMAL {
                return Ok(Some(Deferral::isolate(candidate, own_group)));
            }
        }
        let (reason, detail, until) = if self.held_targets.contains(target.as_str()) {
            let detail = "an earlier call with this target has no answer; the provider's list is being asked first";
            (WaitingReason::Reconciling, detail, self.now + HOLD_LOOK)
        } else if self.waits_for_purge(candidate.item, target) {
            let detail = "a purge of this URL, or of a directory above it, was asked for before and is still open";
            let until = self.now + PURGE_LOOK + PURGE_LOOK_EACH * self.put_off;
            self.put_off += 1;
            (WaitingReason::PurgeFirst, detail, until)
        } else {
            return Ok(None);
        };
        let wait = match self.waits.get(&reason) {
            Some(wait) => *wait,
            None => command::upsert_wait(reason, detail, db).await?,
        };
        self.waits.insert(reason, wait);
        Ok(Some(Deferral::wait(candidate, until, wait)))
    }

    /// The failure that the host was refused with.
    async fn refusal(&mut self, suspended: &SuspendedHost, db: &mut SqliteConnection) -> Result<i64, StoreError> {
        if let Some(id) = self.refusals.get(&suspended.host) {
            return Ok(*id);
        }
        let stored_id: Option<i64> =
            sqlx::query_scalar("select failure_id from submissions where id = $1 and failure_id is not null")
                .bind(suspended.refused.0)
                .fetch_optional(&mut *db)
                .await?;
        let id = match stored_id {
            Some(id) => id,
            None => command::insert_failure(&suspended.failure, db, self.now).await?,
        };
        self.refusals.insert(suspended.host.clone(), id);
        Ok(id)
    }
}
