//! PurgeUrlsCache, PurgePathCache and PushUrlsCache: one task for a whole batch, or a refusal that charges nothing.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::error::CloudError;
use super::messages::{ActionOutcome, CallTime};
use super::params::Params;
use super::target;
use super::target::{ParsedTarget, RequestedTarget};
use super::task;
use super::task::{Flush, RowOutcome, RowStatus, Task, TaskKind, TaskRow};
use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::faults::RowFaults;
use crate::sandbox::state::{Cloud, State};
use crate::sandbox::wire::{DayLimitRule, MixedBatchRule};

/// What a call asks to be done.
pub(super) struct SubmitRequest {
    requested_target: RequestedTarget,
    listed: Vec<String>,
    flush: Flush,
}

impl SubmitRequest {
    pub(super) fn purge_urls(params: &Params<'_>) -> Result<Self, CloudError> {
        let target = requested_target(TaskKind::PurgeUrl, params, &[Area::Mainland, Area::Overseas])?;
        // The task behind a URL purge deletes, but its rows say `flush`, as the published sample does.
        Ok(Self { requested_target: target, listed: params.texts("Urls")?, flush: Flush::Flush })
    }

    pub(super) fn purge_paths(params: &Params<'_>) -> Result<Self, CloudError> {
        let target = requested_target(TaskKind::PurgePath, params, &[Area::Mainland, Area::Overseas])?;
        let listed = params.texts("Paths")?;
        let flush = match params.text("FlushType")?.ok_or_else(|| CloudError::missing("FlushType"))? {
            "flush" => Flush::Flush,
            "delete" => Flush::Delete,
            other => return Err(CloudError::parameter(format!("`{other}` is not a FlushType."))),
        };
        Ok(Self { requested_target: target, listed, flush })
    }

    pub(super) fn push_urls(params: &Params<'_>) -> Result<Self, CloudError> {
        let target = requested_target(TaskKind::Push, params, &[Area::Mainland, Area::Overseas, Area::Global])?;
        // Read for their types; what they change is nothing that the simulated edge has.
        params.flag("ParseM3U8")?;
        params.flag("DisableRange")?;
        params.text("UserAgent")?;
        params.text("Layer")?;
        params.objects("Headers", &["Name", "Value"])?;
        Ok(Self { requested_target: target, listed: params.texts("Urls")?, flush: Flush::Flush })
    }
}

fn requested_target(kind: TaskKind, params: &Params<'_>, areas: &[Area]) -> Result<RequestedTarget, CloudError> {
    Ok(RequestedTarget { kind, area: params.area(areas)?, url_encode: params.flag("UrlEncode")? })
}

pub(super) fn submit(
    cloud: &Cloud,
    order: &SubmitRequest,
    row_faults: &RowFaults,
    moment: CallTime,
) -> Result<ActionOutcome, CloudError> {
    let state = &mut *cloud.state();
    let kind = order.requested_target.kind;
    if order.listed.is_empty() {
        return Err(CloudError::parameter("Nothing is listed."));
    }
    let batch = state.quota.batch(kind, order.requested_target.area.unwrap_or(Area::Global));
    if order.listed.len() as u64 > batch {
        return Err(batch_limit(kind, batch));
    }
    let listed = read_targets(state, order)?;
    let (listed, charged) = charge(state, kind, listed, moment.now)?;
    let rows =
        rows(state, listed, row_faults, |url| task::ready_at(url, cloud.task_time, moment.now) + row_faults.task_delay);
    let task_id = state.tasks.add(Task {
        id: String::new(),
        kind,
        flush: order.flush,
        made_at: moment.now,
        created_at: moment.timestamp,
        listed_from: moment.now + state.switches.listing_delay.max(row_faults.listing_delay),
        rows,
    });
    let fields = Map::from_iter([("TaskId".to_owned(), Value::from(task_id.clone()))]);
    Ok(ActionOutcome { fields, task_id: Some(task_id), charged })
}

/// The distinct targets, in order, or the first one's refusal.
fn read_targets(state: &State, order: &SubmitRequest) -> Result<Vec<ParsedTarget>, CloudError> {
    let mut seen = HashSet::new();
    let once = order.listed.iter().filter(|url| state.switches.duplicates_charged || seen.insert(url.as_str()));
    let read = |url: &String| {
        let read = target::read(url, order.requested_target, &state.domains, &state.switches);
        match state.switches.mixed_batch {
            MixedBatchRule::Refuse => read,
            MixedBatchRule::FailRow => Ok(read.unwrap_or_else(|_| ParsedTarget::bad(url, order.requested_target))),
        }
    };
    once.map(read).collect()
}

/// Returns what the quota covers, and the units it cost.
fn charge(
    state: &mut State,
    kind: TaskKind,
    mut listed: Vec<ParsedTarget>,
    now: Timestamp,
) -> Result<(Vec<ParsedTarget>, u64), CloudError> {
    let charged = match state.switches.day_limit {
        DayLimitRule::Refuse => {
            let areas: Vec<Area> = listed.iter().map(|target| target.area).collect();
            state.quota.charge(kind, &areas, now).unwrap_or(0)
        }
        DayLimitRule::Partial => {
            let mut charged = 0;
            listed.retain(|target| {
                let units = state.quota.charge(kind, &[target.area], now);
                charged += units.unwrap_or(0);
                units.is_some()
            });
            charged
        }
    };
    if charged == 0 { Err(day_limit(kind)) } else { Ok((listed, charged)) }
}

fn rows(
    state: &State,
    listed: Vec<ParsedTarget>,
    row_faults: &RowFaults,
    ready_at: impl Fn(&str) -> Timestamp,
) -> Vec<TaskRow> {
    let mut rows = Vec::with_capacity(listed.len());
    for target in listed {
        let whole = [target.area];
        let areas = if state.switches.rows_per_area { target.area.parts() } else { &whole };
        for area in areas {
            rows.push(TaskRow {
                url: target.url.clone(),
                scheme: target.scheme,
                host: target.host.clone(),
                path: target.path.clone(),
                area: *area,
                ready_at: ready_at(&target.url),
                fate: fate(&target, row_faults),
                status: RowStatus::Process,
            });
        }
    }
    rows
}

fn fate(target: &ParsedTarget, row_faults: &RowFaults) -> RowOutcome {
    let cursed = row_faults.targets.contains(&target.url) || task::share(&target.url, "failure") < row_faults.fraction;
    match () {
        () if row_faults.never_done => RowOutcome::NeverEnds,
        () if target.bad || cursed => RowOutcome::Fails,
        () if row_faults.no_effect => RowOutcome::Lies,
        () => row_faults.keeps_copy.map_or(RowOutcome::Works, RowOutcome::LiesIn),
    }
}

fn batch_limit(kind: TaskKind, batch: u64) -> CloudError {
    let code = match kind {
        TaskKind::PurgeUrl => "LimitExceeded.CdnPurgeUrlExceedBatchLimit",
        TaskKind::PurgePath => "LimitExceeded.CdnPurgePathExceedBatchLimit",
        TaskKind::Push => "LimitExceeded.CdnPushExceedBatchLimit",
    };
    CloudError::new(code, format!("One call may list {batch}."))
}

fn day_limit(kind: TaskKind) -> CloudError {
    let code = match kind {
        TaskKind::PurgeUrl => "LimitExceeded.CdnPurgeUrlExceedDayLimit",
        TaskKind::PurgePath => "LimitExceeded.CdnPurgePathExceedDayLimit",
        TaskKind::Push => "LimitExceeded.CdnPushExceedDayLimit",
    };
    CloudError::new(code, "More is listed than is left of today's quota.")
}
