//! PurgeUrlsCache, PurgePathCache and PushUrlsCache: one task for a whole batch, or a refusal that charges nothing.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::error::CloudError;
use super::messages::{ActionOutcome, CallTime};
use super::params::Params;
use super::target;
use super::target::{ParsedTarget, TargetOptions};
use super::task;
use super::task::{Flush, RowOutcome, RowStatus, Task, TaskKind, TaskRow};
use crate::domain::Timestamp;
use crate::sandbox::domain_config::domain::Area;
use crate::sandbox::faults::RowFaults;
use crate::sandbox::state::{Cloud, State};
use crate::sandbox::wire::{DayLimitRule, MixedBatchRule};

/// What a call asks to be done.
pub(super) struct SubmitRequest {
    options: TargetOptions,
    urls: Vec<String>,
    flush: Flush,
}

impl SubmitRequest {
    pub(super) fn purge_urls(params: &Params<'_>) -> Result<Self, CloudError> {
        let options = target_options(TaskKind::PurgeUrl, params, &[Area::Mainland, Area::Overseas])?;
        // The task behind a URL purge deletes, but its rows say `flush`, as the published sample does.
        Ok(Self { options, urls: params.texts("Urls")?, flush: Flush::Flush })
    }

    pub(super) fn purge_paths(params: &Params<'_>) -> Result<Self, CloudError> {
        let options = target_options(TaskKind::PurgePath, params, &[Area::Mainland, Area::Overseas])?;
        let urls = params.texts("Paths")?;
        let flush = match params.text("FlushType")?.ok_or_else(|| CloudError::missing("FlushType"))? {
            "flush" => Flush::Flush,
            "delete" => Flush::Delete,
            other => return Err(CloudError::parameter(format!("`{other}` is not a FlushType."))),
        };
        Ok(Self { options, urls, flush })
    }

    pub(super) fn push_urls(params: &Params<'_>) -> Result<Self, CloudError> {
        let options = target_options(TaskKind::Push, params, &[Area::Mainland, Area::Overseas, Area::Global])?;
        // Read for their types; what they change is nothing that the simulated edge has.
        params.flag("ParseM3U8")?;
        params.flag("DisableRange")?;
        params.text("UserAgent")?;
        params.text("Layer")?;
        params.objects("Headers", &["Name", "Value"])?;
        Ok(Self { options, urls: params.texts("Urls")?, flush: Flush::Flush })
    }
}

fn target_options(kind: TaskKind, params: &Params<'_>, areas: &[Area]) -> Result<TargetOptions, CloudError> {
    Ok(TargetOptions { kind, area: params.area(areas)?, url_encode: params.flag("UrlEncode")? })
}

pub(super) fn submit(
    cloud: &Cloud,
    request: &SubmitRequest,
    row_faults: &RowFaults,
    moment: CallTime,
) -> Result<ActionOutcome, CloudError> {
    let state = &mut *cloud.state();
    let kind = request.options.kind;
    if request.urls.is_empty() {
        return Err(CloudError::parameter("Nothing is listed."));
    }
    let batch = state.quota.batch(kind, request.options.area.unwrap_or(Area::Global));
    if request.urls.len() as u64 > batch {
        return Err(batch_limit(kind, batch));
    }
    let targets = parse_targets(state, request)?;
    let (targets, charged) = charge(state, kind, targets, moment.now)?;
    let rows = rows(state, targets, row_faults, |url| {
        task::ready_at(url, cloud.task_time, moment.now) + row_faults.task_delay
    });
    let task_id = state.tasks.add(Task {
        id: String::new(),
        kind,
        flush: request.flush,
        made_at: moment.now,
        created_at: moment.timestamp,
        listed_from: moment.now + state.switches.listing_delay.max(row_faults.listing_delay),
        rows,
    });
    let fields = Map::from_iter([("TaskId".to_owned(), Value::from(task_id.clone()))]);
    Ok(ActionOutcome { fields, task_id: Some(task_id), charged })
}

/// The distinct targets, in request, or the first one's refusal.
fn parse_targets(state: &State, request: &SubmitRequest) -> Result<Vec<ParsedTarget>, CloudError> {
    let mut distinct = HashSet::new();
    let urls = request.urls.iter().filter(|url| state.switches.duplicates_charged || distinct.insert(url.as_str()));
    let parse = |url: &String| {
        let target = target::parse(url, request.options, &state.domains, &state.switches);
        match state.switches.mixed_batch {
            MixedBatchRule::Refuse => target,
            MixedBatchRule::FailRow => Ok(target.unwrap_or_else(|_| ParsedTarget::bad(url, request.options))),
        }
    };
    urls.map(parse).collect()
}

/// Returns what the quota covers, and the units it cost.
fn charge(
    state: &mut State,
    kind: TaskKind,
    mut targets: Vec<ParsedTarget>,
    now: Timestamp,
) -> Result<(Vec<ParsedTarget>, u64), CloudError> {
    let charged = match state.switches.day_limit {
        DayLimitRule::Refuse => {
            let areas: Vec<Area> = targets.iter().map(|target| target.area).collect();
            state.quota.charge(kind, &areas, now).unwrap_or(0)
        }
        DayLimitRule::Partial => {
            let mut charged = 0;
            targets.retain(|target| {
                let units = state.quota.charge(kind, &[target.area], now);
                charged += units.unwrap_or(0);
                units.is_some()
            });
            charged
        }
    };
    if charged == 0 { Err(day_limit(kind)) } else { Ok((targets, charged)) }
}

fn rows(
    state: &State,
    targets: Vec<ParsedTarget>,
    row_faults: &RowFaults,
    ready_at: impl Fn(&str) -> Timestamp,
) -> Vec<TaskRow> {
    let mut rows = Vec::with_capacity(targets.len());
    for target in targets {
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
                outcome: outcome(&target, row_faults),
                status: RowStatus::Process,
            });
        }
    }
    rows
}

fn outcome(target: &ParsedTarget, row_faults: &RowFaults) -> RowOutcome {
    let must_fail =
        row_faults.targets.contains(&target.url) || task::share(&target.url, "failure") < row_faults.fraction;
    match () {
        () if row_faults.never_done => RowOutcome::NeverEnds,
        () if target.bad || must_fail => RowOutcome::Fails,
        () if row_faults.no_effect => RowOutcome::DoneWithoutEffect,
        () => match (row_faults.keeps_copy, row_faults.node_keeps_copy) {
            (Some(area), _) => RowOutcome::DoneWithoutEffectIn(area),
            (None, Some(node)) => RowOutcome::DoneWithoutEffectAt(node),
            (None, None) => RowOutcome::Succeeds,
        },
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
