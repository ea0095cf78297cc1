//! Reading: bounded pages over indexes, decoded back into the domain. A row that breaks a rule is an error.

use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::domain::{
    AccountName, Area, Counts, Failure, ItemId, JobId, Lane, LaneId, Mode, Priority, SubmissionId, Target, TargetKind,
    TenantName, Timestamp, Verification, WaitingReason,
};
use crate::store::UnsuccessfulItem;
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::codec::columns::{count, moment, word};
use crate::store::sqlite::codec::proof_json;
use crate::store::sqlite::codec::warnings_json;
use crate::store::sqlite::dispatch::lane_pauses::decode_pause;
use crate::store::sqlite::dispatch::open_purges::OpenPurges;
use crate::store::{
    Creation, Event, IdempotencyKey, Item, ItemVerification, Job, JobRef, LaneDepth, LaneRecord, OpenSubmission, Page,
    PartState, PendingItem, QuotaUsage, StoreError, VerificationSample,
};

pub(crate) async fn job(id: JobId, tenant: Option<&TenantName>, db: &SqlitePool) -> Result<Option<Job>, StoreError> {
    let row = sqlx::query(sql!("job.sql"))
        .bind(id.as_u128().to_be_bytes().as_slice())
        .bind(tenant.map(TenantName::as_str))
        .fetch_optional(db)
        .await?;
    row.as_ref().map(decode_job).transpose()
}

pub(crate) async fn kept_under(
    tenant: &TenantName,
    key: &IdempotencyKey,
    db: &SqlitePool,
) -> Result<Option<Creation>, StoreError> {
    let row =
        sqlx::query(sql!("job_by_idempotency_key.sql")).bind(tenant.as_str()).bind(&key.key).fetch_optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let is_same_body = row.try_get::<&[u8], _>("fingerprint")? == key.fingerprint;
    Ok(Some(if is_same_body { Creation::Replayed(job_id(&row, "public_id")?) } else { Creation::KeyReused }))
}

pub(crate) async fn jobs(
    tenant: Option<&TenantName>,
    before: Option<i64>,
    limit: u32,
    db: &SqlitePool,
) -> Result<Vec<Job>, StoreError> {
    let before = before.unwrap_or(i64::MAX);
    let rows = match tenant {
        Some(tenant) => sqlx::query(sql!("jobs_of_tenant.sql")).bind(tenant.as_str()).bind(before).bind(limit),
        None => sqlx::query(sql!("jobs.sql")).bind(before).bind(limit),
    };
    let rows = rows.fetch_all(db).await?;
    rows.iter().map(decode_job).collect()
}

pub(crate) async fn pending_example(
    job: JobRef,
    now: Timestamp,
    db: &SqlitePool,
) -> Result<Option<PendingItem>, StoreError> {
    let row = sqlx::query(sql!("example_pending_item.sql")).bind(job.0).fetch_optional(db).await?;
    let Some(row) = row else { return Ok(None) };
    let state = match (row.try_get::<i64, _>("state")?, moment(&row, "due_at")?) {
        (columns::BLOCKED, _) => PartState::Blocked,
        (columns::DELAYED, Some(until)) => PartState::Delayed(until),
        _ => PartState::Due,
    };
    let wait = match row.try_get::<Option<String>, _>("wait_detail")? {
        Some(detail) => Some((word(&row, "wait_reason")?, detail)),
        None => None,
    };
    let purge_first = match wait {
        Some((WaitingReason::PurgeFirst, _)) => {
            purge_before(row.try_get("id")?, &decode_target(&row)?, now, db).await?
        }
        _ => None,
    };
    let (lane, failure) = (LaneId(row.try_get("lane_id")?), decode_failure(&row)?);
    Ok(Some(PendingItem { lane, state, wait, purge_first, failure }))
}

/// The job, and its tenant, of the first open purge that the prefetch `item` waits for.
async fn purge_before(
    item: i64,
    target: &Target,
    now: Timestamp,
    db: &SqlitePool,
) -> Result<Option<(JobId, TenantName)>, StoreError> {
    let mut open = OpenPurges::default();
    open.load(std::iter::once(target), db, now).await?;
    let Some(purge) = open.before(item, target) else { return Ok(None) };
    let row = sqlx::query(sql!("job_of_item.sql")).bind(purge).fetch_optional(db).await?;
    row.map(|row| Ok((job_id(&row, "public_id")?, TenantName::new(row.try_get::<String, _>("tenant")?)))).transpose()
}

pub(crate) async fn items(job: JobRef, page: Page, db: &SqlitePool) -> Result<Vec<Item>, StoreError> {
    let rows = sqlx::query(sql!("items.sql")).bind(job.0).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.iter().map(decode_item).collect()
}

pub(crate) async fn events(job: JobRef, page: Page, db: &SqlitePool) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query(sql!("events.sql")).bind(job.0).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.iter().map(decode_event).collect()
}

pub(crate) async fn last_events(job: JobRef, limit: u32, db: &SqlitePool) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query(sql!("last_events.sql")).bind(job.0).bind(limit).fetch_all(db).await?;
    rows.iter().rev().map(decode_event).collect()
}

fn decode_event(row: &SqliteRow) -> Result<Event, StoreError> {
    Ok(Event {
        seq: row.try_get("seq")?,
        at: Timestamp::from_millis(row.try_get("at")?),
        kind: word(row, "kind")?,
        message: row.try_get("message")?,
        items: row.try_get::<Option<u32>, _>("items")?,
        submission: row.try_get::<Option<i64>, _>("submission_id")?.map(SubmissionId),
        task_id: row.try_get("task_id")?,
        failure: decode_failure(row)?,
    })
}

pub(crate) async fn job_targets(job: JobRef, db: &SqlitePool) -> Result<Vec<Target>, StoreError> {
    let rows = sqlx::query(sql!("job_targets.sql")).bind(job.0).fetch_all(db).await?;
    rows.iter().map(|row| columns::target(word(row, "kind")?, row.try_get("target")?)).collect()
}

pub(crate) async fn unsuccessful(job: JobRef, db: &SqlitePool) -> Result<Vec<UnsuccessfulItem>, StoreError> {
    let rows = sqlx::query(sql!("unsuccessful_items.sql")).bind(job.0).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let target = columns::target(word(row, "kind")?, row.try_get("target")?)?;
            Ok(UnsuccessfulItem { lane: decode_lane(row)?, target })
        })
        .collect()
}

pub(crate) async fn lane_depths(db: &SqlitePool) -> Result<Vec<LaneDepth>, StoreError> {
    let rows = sqlx::query(sql!("../dispatch/lane_depths.sql")).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let due = [count(row, "urgent")?, count(row, "normal")?, count(row, "bulk")?];
            Ok(LaneDepth { id: LaneId(row.try_get("id")?), lane: decode_lane(row)?, due, paused: decode_pause(row)? })
        })
        .collect()
}

pub(crate) async fn lanes(db: &SqlitePool) -> Result<Vec<LaneRecord>, StoreError> {
    let rows = sqlx::query(sql!("../dispatch/lanes.sql")).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(LaneRecord {
                id: LaneId(row.try_get("id")?),
                lane: decode_lane(row)?,
                due: [count(row, "urgent")?, count(row, "normal")?, count(row, "bulk")?],
                delayed: count(row, "delayed")?,
                blocked: count(row, "blocked")?,
                oldest: moment(row, "oldest")?,
                in_flight: count(row, "in_flight")?,
                paused: decode_pause(row)?,
            })
        })
        .collect()
}

pub(crate) async fn next_ripe(db: &SqlitePool) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<i64> = sqlx::query_scalar(sql!("../dispatch/next_timer.sql")).fetch_one(db).await?;
    Ok(next.map(Timestamp::from_millis))
}

pub(crate) async fn due_submissions(
    state: &str,
    limit: u32,
    now: Timestamp,
    db: &SqlitePool,
) -> Result<(Vec<OpenSubmission>, Option<Timestamp>), StoreError> {
    let rows = sqlx::query(sql!("../submissions/due_submissions.sql"))
        .bind(state)
        .bind(now.as_millis())
        .bind(limit)
        .fetch_all(db)
        .await?;
    let open = rows.iter().map(open_submission).collect::<Result<Vec<_>, StoreError>>()?;
    let next: Option<i64> = sqlx::query_scalar(
        "select min(due_at) from submissions where state = $1 and state in ('accepted', 'ambiguous') and due_at > $2",
    )
    .bind(state)
    .bind(now.as_millis())
    .fetch_one(db)
    .await?;
    Ok((open, next.map(Timestamp::from_millis)))
}

pub(crate) async fn sending(db: &SqlitePool) -> Result<Vec<OpenSubmission>, StoreError> {
    let rows = sqlx::query(sql!("../submissions/sending_submissions.sql")).fetch_all(db).await?;
    rows.iter().map(open_submission).collect()
}

fn open_submission(row: &SqliteRow) -> Result<OpenSubmission, StoreError> {
    Ok(OpenSubmission {
        id: SubmissionId(row.try_get("id")?),
        lane: decode_lane(row)?,
        targets: count(row, "targets")?,
        task_id: row.try_get("task_id")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        answered_at: moment(row, "answered_at")?,
        looks: count(row, "looks")?,
    })
}

pub(crate) async fn targets(id: SubmissionId, db: &SqlitePool) -> Result<Vec<Target>, StoreError> {
    let rows = sqlx::query(sql!("../submissions/submission_targets.sql")).bind(id.0).fetch_all(db).await?;
    rows.iter().map(decode_target).collect()
}

pub(crate) fn decode_target(row: &SqliteRow) -> Result<Target, StoreError> {
    columns::target(word(row, "kind")?, row.try_get("target")?)
}

pub(crate) async fn known_tasks(tasks: &[String], db: &SqlitePool) -> Result<Vec<String>, StoreError> {
    let task_ids = sqlx::query_scalar(
        "select distinct task_id from submissions where task_id in (select value from json_each($1))",
    );
    Ok(task_ids.bind(columns::json(&tasks)?).fetch_all(db).await?)
}

pub(crate) async fn spent(since: Timestamp, db: &SqlitePool) -> Result<Vec<QuotaUsage>, StoreError> {
    let rows = sqlx::query(sql!("../submissions/quota_usage_by_lane.sql"))
        .bind(since.as_millis())
        .bind(Failure::NOT_LISTED)
        .fetch_all(db)
        .await?;
    let spent = |row| {
        Ok(QuotaUsage {
            lane: decode_lane(row)?,
            targets: count(row, "spent")?,
            in_flight: count(row, "in_flight")?,
            undecided: count(row, "undecided")?,
        })
    };
    rows.iter().map(spent).collect()
}

pub(crate) async fn sample(job: JobRef, limit: u32, db: &SqlitePool) -> Result<Vec<VerificationSample>, StoreError> {
    let rows =
        sqlx::query(sql!("../verification/sample_succeeded_items.sql")).bind(job.0).bind(limit).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            let lane = decode_lane(row)?;
            let target = columns::target(lane.kind, row.try_get("target")?)?;
            Ok(VerificationSample { item: ItemId(row.try_get("id")?), target, lane })
        })
        .collect()
}

pub(crate) async fn known_below(directory: &Target, limit: u32, db: &SqlitePool) -> Result<Vec<Target>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(sql!("../verification/recent_urls_below.sql"))
        .bind(directory.as_str())
        .bind(directory.host())
        .bind(limit)
        .fetch_all(db)
        .await?;
    rows.iter().map(|(url, _)| columns::target(TargetKind::Url, url)).collect()
}

pub(crate) async fn hosts(job: JobRef, db: &SqlitePool) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(sql!("job_hosts.sql")).bind(job.0).fetch_all(db).await?)
}

pub(crate) fn job_id(row: &SqliteRow, column: &str) -> Result<JobId, StoreError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| StoreError::Damaged("a job's public id".to_owned()))?;
    Ok(JobId::from_u128(u128::from_be_bytes(bytes)))
}

pub(crate) fn decode_job(row: &SqliteRow) -> Result<Job, StoreError> {
    let labels: &str = row.try_get("labels")?;
    let retry_of =
        row.try_get::<Option<Vec<u8>>, _>("retry_of")?.is_some().then(|| job_id(row, "retry_of")).transpose()?;
    Ok(Job {
        row: JobRef(row.try_get("id")?),
        id: job_id(row, "public_id")?,
        tenant: TenantName::new(row.try_get::<String, _>("tenant")?),
        operation: word(row, "operation")?,
        priority: columns::priority(row.try_get("priority")?)?,
        area: row.try_get::<Option<&str>, _>("area")?.map_or(Ok(Area::Own), |_| word(row, "area"))?,
        source: row.try_get("source")?,
        labels: serde_json::from_str(labels).map_err(|error| StoreError::Damaged(format!("labels: {error}")))?,
        not_before: moment(row, "not_before")?,
        deadline: moment(row, "deadline")?,
        merged: count(row, "merged")?,
        counts: Counts {
            pending: count(row, "pending")?,
            submitted: count(row, "submitted")?,
            succeeded: count(row, "succeeded")?,
            failed: count(row, "failed")?,
            cancelled: count(row, "cancelled")?,
            expired: count(row, "expired")?,
        },
        started: row.try_get("started")?,
        verification: word(row, "verification")?,
        retry_of,
        warnings: row.try_get::<Option<&str>, _>("warnings")?.map_or_else(|| Ok(Vec::new()), warnings_json::read)?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        finished_at: moment(row, "finished_at")?,
        version: row.try_get("version")?,
    })
}

pub(crate) fn decode_item(row: &SqliteRow) -> Result<Item, StoreError> {
    let code: i64 = row.try_get("state")?;
    let task_id: Option<String> = row.try_get("task_id")?;
    let ended: u32 = count(row, "attempts")?;
    let verification = match row.try_get::<Option<&str>, _>("seen")? {
        Some(_) => word(row, "seen")?,
        // Nobody looked at it, and nobody will any more once the job has its verdict.
        None => match word(row, "job_verification")? {
            unasked_or_open @ (Verification::None | Verification::Pending) => unasked_or_open,
            Verification::Fresh | Verification::Stale | Verification::Unknown => Verification::Unknown,
        },
    };
    Ok(Item {
        id: ItemId(row.try_get("id")?),
        lane: LaneId(row.try_get("lane_id")?),
        target: columns::target(word(row, "kind")?, row.try_get("target")?)?,
        operation: word(row, "operation")?,
        state: columns::item_state(code)?,
        delayed_until: if code == columns::DELAYED { moment(row, "due_at")? } else { None },
        blocked: code == columns::BLOCKED,
        // Stored are the attempts that ended; the one under way counts too.
        attempts: ended + u32::from(code == columns::SUBMITTED && task_id.is_some()),
        task_id,
        request_id: row.try_get("request_id")?,
        failure: decode_failure(row)?,
        verification,
        seen: decode_seen(row)?,
    })
}

fn decode_seen(row: &SqliteRow) -> Result<Option<ItemVerification>, StoreError> {
    let Some(at) = moment(row, "seen_at")? else { return Ok(None) };
    let proof = row.try_get::<Option<&str>, _>("proof")?.map(proof_json::read).transpose()?;
    Ok(Some(ItemVerification { at, reason: row.try_get("seen_reason")?, proof }))
}

fn decode_failure(row: &SqliteRow) -> Result<Option<Failure>, StoreError> {
    if row.try_get::<Option<&str>, _>("class")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Failure {
        class: word(row, "class")?,
        code: row.try_get("code")?,
        message: row.try_get("failure_message")?,
        request_id: row.try_get("failure_request_id")?,
    }))
}

pub(crate) fn decode_lane(row: &SqliteRow) -> Result<Lane, StoreError> {
    let mode: &str = row.try_get("mode")?;
    Ok(Lane {
        account: AccountName::new(row.try_get::<String, _>("account")?),
        operation: word(row, "operation")?,
        kind: word(row, "kind")?,
        area: word(row, "area")?,
        mode: if mode.is_empty() { None } else { Some(word::<Mode>(row, "mode")?) },
    })
}

const _: () = assert!(Priority::ALL.len() == 3, "lane_depths.sql names three priorities");
