//! What keeps a due item of a lane that may send from going: a call without an answer that has its target (law 4), an open
//! purge that a prefetch waits for (law 6), or a host that the provider refused. Such items are set aside, so that no claim
//! walks over them again and again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::SqliteConnection;

use super::{change, codes, target_key};
use crate::domain::{ErrorClass, Failure, Target, Timestamp};
use crate::store::{Grant, StoreError};

/// How soon a target whose earlier call has no answer is looked at again.
const HOLD_LOOK: Duration = Duration::from_secs(1);

/// How soon a prefetch whose purge is open is looked at again.
const PURGE_LOOK: Duration = Duration::from_secs(5);

/// `[item, becomes, cohort, due_at, failure]`, as `sql/move_aside.sql` takes it.
pub(super) type Aside = (i64, i64, i64, Option<i64>, Option<i64>);

pub(super) struct Barriers<'a> {
    grant: &'a Grant,
    held: HashSet<String>,
    /// The lane sends prefetches.
    prefetches: bool,
    /// Of these, those whose purges are open.
    purges_first: HashSet<i64>,
    /// Kept for this claim already: by host, or none for what is held.
    failures: HashMap<Option<String>, i64>,
    now: Timestamp,
}

impl<'a> Barriers<'a> {
    pub(super) async fn of(grant: &'a Grant, now: Timestamp, db: &mut SqliteConnection) -> Result<Self, StoreError> {
        let held: Vec<String> =
            sqlx::query_scalar(include_str!("sql/held_targets.sql")).bind(grant.lane.0).fetch_all(&mut *db).await?;
        let prefetches: Option<bool> = sqlx::query_scalar("select operation = 'prefetch' from lanes where id = $1")
            .bind(grant.lane.0)
            .fetch_optional(db)
            .await?;
        let prefetches = prefetches.unwrap_or(false);
        let held = held.into_iter().collect();
        Ok(Self { grant, held, prefetches, purges_first: HashSet::new(), failures: HashMap::new(), now })
    }

    /// Looks at what stands before these items as a whole.
    pub(super) async fn meet(
        &mut self,
        items: impl Iterator<Item = (i64, &Target)>,
        db: &mut SqliteConnection,
    ) -> Result<(), StoreError> {
        if !self.prefetches {
            return Ok(());
        }
        let mut covers = Vec::new();
        for (item, target) in items {
            let text = target.as_str();
            covers.push((item, target_key::of(text), text, "url"));
            covers.extend(target_key::above(text).map(|above| (item, target_key::of(above), above, "directory")));
        }
        let waiting: Vec<i64> =
            sqlx::query_scalar(include_str!("sql/purges_first.sql")).bind(codes::json(&covers)?).fetch_all(db).await?;
        self.purges_first = waiting.into_iter().collect();
        Ok(())
    }

    /// Of these items, those for which no purge has to end first.
    pub(super) async fn free(
        &mut self,
        items: Vec<(i64, Target)>,
        db: &mut SqliteConnection,
    ) -> Result<Vec<i64>, StoreError> {
        self.meet(items.iter().map(|(item, target)| (*item, target)), db).await?;
        Ok(items.into_iter().map(|(item, _)| item).filter(|item| !self.purges_first.contains(item)).collect())
    }

    /// What becomes of the item instead of going, if it may not.
    pub(super) async fn aside(
        &mut self,
        item: i64,
        cohort: i64,
        target: &Target,
        db: &mut SqliteConnection,
    ) -> Result<Option<Aside>, StoreError> {
        let grant = self.grant;
        if let Some(suspect) = grant.suspects.iter().find(|suspect| suspect.host == target.host()) {
            let own = suspect.refused.0 * 2;
            if self.now < suspect.until {
                let failure = self.failure(Some(target.host()), &suspect.failure, db).await?;
                return Ok(Some((item, codes::DELAYED, own, Some(suspect.until.as_millis()), Some(failure))));
            }
            if cohort == 0 {
                return Ok(Some((item, codes::DUE, own, None, None)));
            }
        }
        if self.held.contains(target.as_str()) {
            let message = "an earlier call with this target has no answer; the provider's list is being asked first";
            let failure = Failure::new(ErrorClass::Lost, Failure::RECONCILING, message);
            let failure = self.failure(None, &failure, db).await?;
            let again_at = (self.now + HOLD_LOOK).as_millis();
            return Ok(Some((item, codes::DELAYED, cohort, Some(again_at), Some(failure))));
        }
        if self.purges_first.contains(&item) {
            let message = "a purge of this URL, or of a directory above it, was asked for before and is still open";
            let failure = Failure::new(ErrorClass::PurgeFailed, Failure::PURGE_FIRST, message);
            let failure = self.failure(Some(""), &failure, db).await?;
            let again_at = (self.now + PURGE_LOOK).as_millis();
            return Ok(Some((item, codes::DELAYED, cohort, Some(again_at), Some(failure))));
        }
        Ok(None)
    }

    async fn failure(
        &mut self,
        host: Option<&str>,
        failure: &Failure,
        db: &mut SqliteConnection,
    ) -> Result<i64, StoreError> {
        let key = host.map(str::to_owned);
        if let Some(id) = self.failures.get(&key) {
            return Ok(*id);
        }
        let id = change::keep_failure(failure, db, self.now).await?;
        self.failures.insert(key, id);
        Ok(id)
    }
}
