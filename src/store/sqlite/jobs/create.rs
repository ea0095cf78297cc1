//! Keeping new jobs: all rows of a group of jobs in a few statements, however many there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tokio::sync::oneshot;

use crate::domain::{Area, Counts, JobId, Lane, Target, Timestamp, Verification};
use crate::store::sqlite::codec::columns;
use crate::store::sqlite::codec::columns::{json, priority_code};
use crate::store::sqlite::codec::target_key;
use crate::store::sqlite::codec::warnings_json;
use crate::store::sqlite::writer::id_cache::{IdCache, NextIds};
use crate::store::sqlite::writer::multi_insert::{BoundValues, RowCounts};
use crate::store::{Creation, IdempotencyKey, Job, JobPart, JobRef, NewJob, PartState, StoreError};

/// Jobs that one statement keeps, and about how many items of small parts: SQLite binds at most 32,766 values, and what it
/// prepares for each number of rows stays in memory.
const JOBS_MAX: usize = 64;
const ITEMS_MAX: usize = 512;

/// Parts of at least so many targets get a statement of their own, whose scalars need not be written for each row.
const BULK_TARGETS_MIN: usize = 16;

const CREATE_JOBS: &str = include_str!("insert_jobs.sql");

/// What goes with the statements that keep a group's jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionScope {
    /// It is open, and more follows.
    Existing,
    /// It is these statements alone. All of them are one hop to the connection's thread; each hop is two threads woken.
    SelfContained,
}

/// A job to be inserted, and the caller that waits for the commit.
pub(crate) struct PendingInsert {
    pub(crate) job: NewJob,
    pub(crate) written: EncodedJob,
    pub(crate) now: Timestamp,
    pub(crate) reply: oneshot::Sender<Result<Creation, StoreError>>,
}

/// Whether these jobs need no statement but those that all groups need: no large part, and no name that is new, since
/// each of these would be a transaction of its own.
pub(crate) fn are_small_and_known(creating: &[PendingInsert], names: &IdCache) -> bool {
    let items: u32 = creating.iter().map(|creating| creating.job.item_count()).sum();
    let fit = creating.len() <= JOBS_MAX && usize::try_from(items).is_ok_and(|items| items <= ITEMS_MAX);
    fit && creating.iter().all(|PendingInsert { job, .. }| {
        let is_known = |part: &JobPart| part.targets.len() < BULK_TARGETS_MIN && names.lanes.contains_key(&part.lane);
        names.tenants.contains_key(&job.tenant) && job.parts.iter().all(is_known)
    })
}

/// What takes time to write of a large job and needs no number. Whoever brings the job does it, so that the writer has only to hand
/// it on.
pub(crate) struct EncodedJob {
    hosts: Vec<Arc<str>>,
    /// Of each part: its targets, if they get a statement of their own.
    texts: Vec<Option<String>>,
}

impl EncodedJob {
    pub(crate) fn of(job: &NewJob) -> Result<Self, StoreError> {
        let hosts: BTreeSet<&str> = job.parts.iter().flat_map(|part| &part.targets).map(Target::host).collect();
        let text = |part: &JobPart| {
            let keyed = || part.targets.iter().map(|target| KeyPrefixed(target.as_str())).collect::<Vec<_>>();
            (part.targets.len() >= BULK_TARGETS_MIN).then(|| json(&keyed())).transpose()
        };
        let texts = job.parts.iter().map(text).collect::<Result<_, _>>()?;
        Ok(Self { hosts: hosts.into_iter().map(Arc::from).collect(), texts })
    }
}

/// Keeps the jobs, in order, and tells for each what became of it. `Whole` is for small ones.
pub(crate) async fn create_jobs(
    creating: &[PendingInsert],
    names: &mut IdCache,
    transaction: TransactionScope,
    db: &mut SqliteConnection,
) -> Result<Vec<Creation>, StoreError> {
    if creating.is_empty() {
        return Ok(Vec::new());
    }
    let mut next = names.next_ids(db).await?;
    let mut rows = InsertRows::default();
    let mut keys = KnownKeys::load(creating, names, db).await?;
    let mut creations = Vec::with_capacity(creating.len());
    for creating in creating {
        let PendingInsert { job, written, now, .. } = creating;
        let tenant = names.tenant(&job.tenant, db).await?;
        if let Some(creation) = keys.replay_of(tenant, job) {
            creations.push(creation);
            continue;
        }
        let numbers = next.take(job);
        for part in &job.parts {
            names.lane(&part.lane, db).await?;
        }
        rows.add((job, written), tenant, numbers, &names.lanes, now.as_millis())?;
        keys.remember(tenant, job);
        creations.push(Creation::Created(Box::new(record(job, numbers.job, *now))));
        if rows.are_enough() && transaction == TransactionScope::Existing {
            std::mem::take(&mut rows).insert(transaction, db).await?;
        }
    }
    rows.insert(transaction, db).await?;
    names.next = Some(next);
    names.events_follow = false;
    Ok(creations)
}

/// Idempotency keys of the group that are known already, from the table or from earlier in the group.
struct KnownKeys(HashMap<(i64, String), ([u8; 32], JobId)>);

impl KnownKeys {
    async fn load(
        creating: &[PendingInsert],
        names: &mut IdCache,
        db: &mut SqliteConnection,
    ) -> Result<Self, StoreError> {
        let mut requested_keys = Vec::new();
        for job in creating.iter().map(|creating| &creating.job) {
            if let Some(IdempotencyKey { key, .. }) = &job.idempotency {
                requested_keys.push((names.tenant(&job.tenant, &mut *db).await?, key));
            }
        }
        let mut jobs_by_key = HashMap::new();
        if requested_keys.is_empty() {
            return Ok(Self(jobs_by_key));
        }
        for row in sqlx::query(sql!("jobs_by_idempotency_keys.sql")).bind(json(&requested_keys)?).fetch_all(db).await? {
            let fingerprint: Vec<u8> = row.try_get("fingerprint")?;
            let fingerprint =
                fingerprint.try_into().map_err(|_| StoreError::Damaged("an idempotency fingerprint".to_owned()))?;
            let key = (row.try_get("tenant_id")?, row.try_get("key")?);
            jobs_by_key.insert(key, (fingerprint, super::read::job_id(&row, "public_id")?));
        }
        Ok(Self(jobs_by_key))
    }

    fn replay_of(&self, tenant: i64, job: &NewJob) -> Option<Creation> {
        let key = job.idempotency.as_ref()?;
        let (fingerprint, id) = self.0.get(&(tenant, key.key.clone()))?;
        Some(if *fingerprint == key.fingerprint { Creation::Replayed(*id) } else { Creation::KeyReused })
    }

    fn remember(&mut self, tenant: i64, job: &NewJob) {
        if let Some(key) = &job.idempotency {
            self.0.insert((tenant, key.key.clone()), (key.fingerprint, job.id));
        }
    }
}

/// The rows of a group, as the arrays that are bound.
#[derive(Default)]
struct InsertRows<'a> {
    jobs: Vec<JobRow<'a>>,
    keys: Vec<serde_json::Value>,
    warnings: Vec<(i64, String)>,
    items: Vec<ItemRow>,
    bulks: Vec<BulkItems<'a>>,
    depths: BTreeMap<(i64, i64), [i64; 3]>,
    /// How far each tenant writes ahead, by lane and priority.
    turns: BTreeMap<(i64, i64, i64), i64>,
    hosts: Vec<(i64, &'a str)>,
}

/// A row of `jobs`.
struct JobRow<'a> {
    job: &'a NewJob,
    numbers: NextIds,
    tenant: i64,
    labels: String,
    /// The only one.
    host: Option<Arc<str>>,
    now: i64,
}

impl JobRow<'_> {
    /// In the order of `insert_jobs.sql`.
    fn bind(self, values: &mut BoundValues) {
        let job = self.job;
        let blob = |id: JobId| id.as_u128().to_be_bytes().to_vec();
        values.push(self.numbers.job);
        values.push(blob(job.id));
        values.push(self.tenant);
        values.push_text(job.operation.as_str());
        values.push(priority_code(job.priority));
        values.push(job.source.as_deref());
        values.push(self.labels);
        values.push(job.notify.as_deref());
        values.push(job.not_before.map(Timestamp::as_millis));
        values.push(job.deadline.map(Timestamp::as_millis));
        values.push(job.merged);
        values.push(self.numbers.item);
        values.push(job.pair_offset);
        values.push(job.item_count());
        values.push_text(if job.verify { "pending" } else { "none" });
        values.push(self.now);
        values.push(job.retry_of.map(blob));
        values.push((job.area != Area::Own).then_some(job.area.as_str()));
        values.push(self.host);
    }
}

/// `(id, job, lane, state, priority, due_at, target, tenant, how far behind the tenant's base, key)`
type ItemRow = (i64, i64, i64, i64, i64, Option<i64>, Arc<str>, i64, i64, i64);

/// Between two items of a tenant of weight 1 there are so many ranks; of weight n, an n-th of them.
const TURN: i64 = 1_000_000;

/// A target behind its key, as `insert_bulk_items.sql` takes them apart.
struct KeyPrefixed<'a>(&'a str);

impl Serialize for KeyPrefixed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:019}{}", target_key::of(self.0), self.0))
    }
}

struct BulkItems<'a> {
    first: i64,
    job: i64,
    lane: i64,
    state: i64,
    priority: i64,
    due_at: Option<i64>,
    targets: &'a str,
    tenant: i64,
    /// How far behind the tenant's base the first one stands, and how far apart they are.
    behind: i64,
    step: i64,
}

impl<'a> InsertRows<'a> {
    fn add(
        &mut self,
        (job, written): (&'a NewJob, &'a EncodedJob),
        tenant: i64,
        numbers: NextIds,
        lanes: &HashMap<Lane, i64>,
        now: i64,
    ) -> Result<(), StoreError> {
        let priority = priority_code(job.priority);
        let labels = json(&job.labels)?;
        if let Some(idempotency_key) = &job.idempotency {
            let fingerprint: String = idempotency_key.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
            self.keys.push(serde_json::json!([tenant, idempotency_key.key, fingerprint, numbers.job, now]));
        }
        if !job.warnings.is_empty() {
            self.warnings.push((numbers.job, warnings_json::written(&job.warnings)?));
        }
        let host = if let [only] = written.hosts.as_slice() { Some(only.clone()) } else { None };
        if host.is_none() {
            self.hosts.extend(written.hosts.iter().map(|host| (numbers.job, &**host)));
        }
        self.jobs.push(JobRow { job, numbers, tenant, labels, host, now });
        let mut first = numbers.item;
        for (part, text) in job.parts.iter().zip(&written.texts) {
            let lane = lanes.get(&part.lane).copied().ok_or(StoreError::Closed)?;
            let (state, due_at) = match part.state {
                PartState::Due => (columns::DUE, None),
                PartState::Delayed(until) => (columns::DELAYED, Some(until.as_millis())),
                PartState::Blocked => (columns::BLOCKED, None),
            };
            let count = part.targets.len();
            let depth = self.depths.entry((lane, priority)).or_default();
            depth[usize::try_from(state).unwrap_or(0)] += i64::try_from(count).unwrap_or(i64::MAX);
            let step = TURN / i64::from(job.weight.max(1));
            let ahead = self.turns.entry((lane, priority, tenant)).or_default();
            let behind = *ahead + step;
            *ahead += step * i64::try_from(count).unwrap_or(i64::MAX);
            if let Some(targets) = text {
                let job = numbers.job;
                self.bulks.push(BulkItems { first, job, lane, state, priority, due_at, targets, tenant, behind, step });
            } else {
                let numbered = (first..).zip(&part.targets).zip((0..).map(|place| behind + place * step));
                self.items.extend(numbered.map(|((id, target), behind)| {
                    let key = target_key::of(target.as_str());
                    (id, numbers.job, lane, state, priority, due_at, target.shared(), tenant, behind, key)
                }));
            }
            first += i64::try_from(count).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    fn are_enough(&self) -> bool {
        self.jobs.len() >= JOBS_MAX || self.items.len() >= ITEMS_MAX
    }

    async fn insert(self, transaction: TransactionScope, db: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        let depths: Vec<_> = self
            .depths
            .iter()
            .map(|((lane, priority), [due, delayed, blocked])| (lane, priority, due, delayed, blocked))
            .collect();
        let turns: Vec<_> =
            self.turns.iter().map(|((lane, priority, tenant), span)| (lane, priority, tenant, span)).collect();
        let shape = RowCounts {
            jobs: self.jobs.len(),
            items: self.items.len(),
            keys: !self.keys.is_empty(),
            warnings: !self.warnings.is_empty(),
            hosts: !self.hosts.is_empty(),
        };
        let statements = match transaction {
            TransactionScope::Existing => shape.fill(CREATE_JOBS),
            TransactionScope::SelfContained => format!("begin immediate;{};commit;", shape.fill(CREATE_JOBS)),
        };
        let bulks = self.bulks;
        let mut values = BoundValues::with_room(shape);
        self.jobs.into_iter().for_each(|row| row.bind(&mut values));
        values.push(json(&turns)?);
        for (id, job, lane, state, priority, due_at, target, tenant, behind, key) in self.items {
            [id, job, lane, state, priority].into_iter().for_each(|number| values.push(number));
            values.push(due_at);
            values.push(target);
            [tenant, behind, key].into_iter().for_each(|number| values.push(number));
        }
        values.push(json(&depths)?);
        if shape.keys {
            values.push(json(&self.keys)?);
        }
        if shape.warnings {
            values.push(json(&self.warnings)?);
        }
        if shape.hosts {
            values.push(json(&self.hosts)?);
        }
        sqlx::query_with(AssertSqlSafe(statements), values.bound()?).execute(&mut *db).await?;
        for bulk in &bulks {
            sqlx::query(sql!("insert_bulk_items.sql"))
                .bind(bulk.first)
                .bind(bulk.job)
                .bind(bulk.lane)
                .bind(bulk.state)
                .bind(bulk.priority)
                .bind(bulk.due_at)
                .bind(bulk.targets)
                .bind(bulk.tenant)
                .bind(bulk.behind)
                .bind(bulk.step)
                .execute(&mut *db)
                .await?;
        }
        Ok(())
    }
}

/// The job as a reader would find it right after the commit.
fn record(job: &NewJob, number: i64, now: Timestamp) -> Job {
    Job {
        row: JobRef(number),
        id: job.id,
        tenant: job.tenant.clone(),
        operation: job.operation,
        priority: job.priority,
        area: job.area,
        source: job.source.clone(),
        labels: job.labels.clone(),
        not_before: job.not_before,
        deadline: job.deadline,
        merged: job.merged,
        counts: Counts { pending: job.item_count(), ..Counts::default() },
        started: false,
        verification: if job.verify { Verification::Pending } else { Verification::None },
        retry_of: job.retry_of,
        warnings: job.warnings.clone(),
        created_at: now,
        finished_at: None,
        version: 1,
    }
}
