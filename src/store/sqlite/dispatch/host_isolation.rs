//! Which hosts share a call: proved ones together, unproved ones apart and few to a call, so that a refusal is soon traced to
//! its host. A host is proved by the provider's list of domains or by an accepted call.

use std::collections::{BTreeSet, HashSet};

use sqlx::SqliteConnection;

use super::batch::Candidate;
use super::deferral::Deferral;
use super::isolation_group::{NORMAL, UNPROVED};
use crate::domain::LaneId;
use crate::store::sqlite::codec::columns;
use crate::store::{OnlineHosts, StoreError};

/// Unproved hosts in one call. A thousand cost thirty-two calls, and to find a bad one among them ten more.
const UNPROVED_MAX: usize = 32;

/// The candidates of one group, by whether they may go together.
pub(crate) struct IsolatedBatch {
    pub(crate) heads: Vec<Candidate>,
    /// Candidates that are moved to the group of unproved hosts.
    pub(crate) deferrals: Vec<Deferral>,
    /// Candidates that stay behind because the call has hosts enough.
    pub(crate) left_over: Vec<Candidate>,
    pub(crate) isolated: bool,
}

impl IsolatedBatch {
    fn of(heads: Vec<Candidate>, isolated: bool) -> Self {
        Self { heads, deferrals: Vec::new(), left_over: Vec::new(), isolated }
    }
}

pub(crate) async fn isolate_unproved_hosts(
    heads: Vec<Candidate>,
    group: i64,
    lane: LaneId,
    online: &OnlineHosts,
    db: &mut SqliteConnection,
) -> Result<IsolatedBatch, StoreError> {
    // Parts of a refused batch stay as they were cut.
    if ![NORMAL, UNPROVED].contains(&group) || heads.is_empty() {
        return Ok(IsolatedBatch::of(heads, group != NORMAL));
    }
    let hosts: BTreeSet<&str> = heads.iter().map(|head| head.target.host()).collect();
    let unlisted: Vec<&str> = hosts.into_iter().filter(|host| !online.contains(host)).collect();
    let accepted: Vec<String> = sqlx::query_scalar(sql!("proved_hosts.sql"))
        .bind(lane.0)
        .bind(columns::json(&unlisted)?)
        .fetch_all(&mut *db)
        .await?;
    let unproved: HashSet<String> =
        unlisted.into_iter().filter(|host| !accepted.iter().any(|one| one == host)).map(str::to_owned).collect();
    if unproved.is_empty() {
        return Ok(IsolatedBatch::of(heads, group != NORMAL));
    }
    let is_proved = |head: &Candidate| !unproved.contains(head.target.host());
    if group == NORMAL && heads.iter().any(is_proved) {
        let (heads, unproved): (Vec<_>, Vec<_>) = heads.into_iter().partition(is_proved);
        let deferrals = unproved.iter().map(|head| Deferral::isolate(head, UNPROVED)).collect();
        return Ok(IsolatedBatch { deferrals, ..IsolatedBatch::of(heads, false) });
    }
    let mut admitted: HashSet<String> = HashSet::new();
    let (heads, left_over) = heads.into_iter().partition(|head| {
        let host = head.target.host();
        is_proved(head)
            || admitted.contains(host)
            || (admitted.len() < UNPROVED_MAX && admitted.insert(host.to_owned()))
    });
    Ok(IsolatedBatch { left_over, ..IsolatedBatch::of(heads, true) })
}
