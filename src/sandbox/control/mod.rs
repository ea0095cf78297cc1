//! The control endpoint: what should go wrong, what the origin serves, how the world is set up, and what the cloud has
//! seen so far.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, put};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::account::quota::SimulatedPool;
use super::account::wire::AccountSetup;
use super::api::call_log::RecordedCall;
use super::api::time_formats;
use super::dns::wire::DnsRule;
use super::domain_config::domain::Domain;
use super::domain_config::wire::DomainChange;
use super::faults::wire::{AnswerRule, Fault, FaultRule};
use super::state::{Cloud, TaskView};
use super::tls::CertificateRule;
use super::wire::{OriginContent, Switches};
use wire::{CallsAfter, ContentKey, DomainKey, PoolChangeBody};

mod wire;

pub(super) async fn serve(listener: TcpListener, shutdown: CancellationToken, cloud: Arc<Cloud>) {
    let router = Router::new()
        .route("/control/faults", get(faults).put(put_faults))
        .route("/control/switches", get(switches).put(put_switches))
        .route("/control/quota", get(quota).put(put_quota))
        .route("/control/origin", put(put_origin).delete(delete_origin))
        .route("/control/calls", get(calls))
        .route("/control/tasks", get(tasks))
        .route("/control/dns", get(dns).put(put_dns))
        .route("/control/ca", get(root_certificate))
        .route("/control/certificates", get(certificates).put(put_certificates))
        .route("/control/answers", get(answers).put(put_answers))
        .route("/control/domains", get(domains).put(put_domains).delete(delete_domain))
        .route("/control/account", put(put_account).get(account))
        .with_state(cloud);
    let result = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    if let Err(error) = result.await {
        tracing::error!(%error, "the sandbox's control endpoint has stopped");
    }
}

/// What was wrong with a request, in words.
struct BadRequestError(String);

impl IntoResponse for BadRequestError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, BadRequestError> {
    serde_json::from_slice(body).map_err(|error| BadRequestError(error.to_string()))
}

async fn faults(State(cloud): State<Arc<Cloud>>) -> Json<Vec<FaultRule>> {
    Json(cloud.faults())
}

async fn put_faults(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Vec<FaultRule>>, BadRequestError> {
    let rules: Vec<FaultRule> = read(&body)?;
    if rules.iter().any(|rule| rule.every == Some(0)) {
        return Err(BadRequestError("`every` counts from 1".to_owned()));
    }
    let is_final = |fault: &Fault| !matches!(fault, Fault::Status { status, .. } if !(200..=599).contains(status));
    if !rules.iter().all(|rule| is_final(&rule.fault)) {
        return Err(BadRequestError("`status` is a final HTTP status, 200 to 599".to_owned()));
    }
    cloud.set_faults(rules);
    Ok(Json(cloud.faults()))
}

async fn switches(State(cloud): State<Arc<Cloud>>) -> Json<Switches> {
    Json(cloud.switches())
}

/// Sets the switches that are named, and leaves the others.
async fn put_switches(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Switches>, BadRequestError> {
    let named: serde_json::Map<String, Value> = read(&body)?;
    let mut merged = serde_json::to_value(cloud.switches()).map_err(|error| BadRequestError(error.to_string()))?;
    if let Some(switches) = merged.as_object_mut() {
        switches.extend(named);
    }
    let merged = serde_json::from_value(merged).map_err(|error| BadRequestError(error.to_string()))?;
    cloud.set_switches(merged);
    Ok(Json(cloud.switches()))
}

async fn quota(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    Json(quota_view(&cloud))
}

async fn put_quota(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, BadRequestError> {
    let bodies: Vec<PoolChangeBody> = read(&body)?;
    let changes = bodies.iter().map(PoolChangeBody::change).collect::<Result<Vec<_>, _>>().map_err(BadRequestError)?;
    for change in &changes {
        cloud.change_quota(change);
    }
    Ok(Json(quota_view(&cloud)))
}

fn quota_view(cloud: &Cloud) -> Value {
    let pool = |pool: &SimulatedPool| {
        json!({
            "kind": pool.kind.as_str(),
            "area": pool.area.as_str(),
            "batch": pool.batch,
            "total": pool.total,
            "spent": pool.spent,
            "available": pool.available(),
        })
    };
    let pools: Vec<Value> = cloud.quota().iter().map(pool).collect();
    json!({"resets_at": time_formats::quota_reset(cloud.now()).as_millis(), "pools": pools})
}

async fn put_origin(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<StatusCode, BadRequestError> {
    let content: OriginContent = read(&body)?;
    cloud.put_origin(content).map_err(|error| BadRequestError(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_origin(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<StatusCode, BadRequestError> {
    let ContentKey { host, path } = read(&body)?;
    Ok(if cloud.remove_origin(&host, &path) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

async fn calls(State(cloud): State<Arc<Cloud>>, Query(query): Query<CallsAfter>) -> Json<Vec<Value>> {
    let call = |call: &RecordedCall| {
        json!({
            "seq": call.seq,
            "at": call.at.as_millis(),
            "action": call.action,
            "request_id": call.request_id,
            "code": call.code,
            "task_id": call.task_id,
            "items": call.items,
            "charged": call.charged,
            "faults": call.faults,
        })
    };
    Json(cloud.calls_after(query.after).iter().map(call).collect())
}

async fn tasks(State(cloud): State<Arc<Cloud>>) -> Json<Vec<Value>> {
    let target = |(url, status): &(String, &'static str)| json!({"url": url, "status": status});
    let task = |task: &TaskView| {
        json!({
            "task_id": task.id,
            "kind": task.kind.as_str(),
            "created_at": task.created_at.as_millis(),
            "targets": task.targets.iter().map(target).collect::<Vec<_>>(),
        })
    };
    Json(cloud.tasks().await.iter().map(task).collect())
}

async fn dns(State(cloud): State<Arc<Cloud>>) -> Json<Vec<DnsRule>> {
    Json(cloud.dns())
}

async fn put_dns(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Vec<DnsRule>>, BadRequestError> {
    cloud.set_dns(read(&body)?);
    Ok(Json(cloud.dns()))
}

async fn root_certificate(State(cloud): State<Arc<Cloud>>) -> Response {
    match cloud.root_certificate() {
        Some(pem) => ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn certificates(State(cloud): State<Arc<Cloud>>) -> Json<Vec<CertificateRule>> {
    Json(cloud.certificates())
}

async fn put_certificates(
    State(cloud): State<Arc<Cloud>>,
    body: Bytes,
) -> Result<Json<Vec<CertificateRule>>, BadRequestError> {
    cloud.set_certificates(read(&body)?);
    Ok(Json(cloud.certificates()))
}

async fn answers(State(cloud): State<Arc<Cloud>>) -> Json<Vec<AnswerRule>> {
    Json(cloud.answers())
}

async fn put_answers(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Vec<AnswerRule>>, BadRequestError> {
    cloud.set_answers(read(&body)?).map_err(|error| BadRequestError(error.to_string()))?;
    Ok(Json(cloud.answers()))
}

async fn domains(State(cloud): State<Arc<Cloud>>) -> Json<Vec<Value>> {
    Json(domains_view(&cloud))
}

/// Changes what is named of the domains that are named, and leaves the rest.
async fn put_domains(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Vec<Value>>, BadRequestError> {
    let changes: Vec<DomainChange> = read(&body)?;
    cloud.change_domains(changes).map_err(|error| BadRequestError(error.to_string()))?;
    Ok(Json(domains_view(&cloud)))
}

async fn delete_domain(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<StatusCode, BadRequestError> {
    let DomainKey { domain } = read(&body)?;
    Ok(if cloud.remove_domain(&domain) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

/// In the words in which they are set, so that what is read can be put back.
fn domains_view(cloud: &Cloud) -> Vec<Value> {
    let domain = |domain: &Domain| {
        json!({
            "Domain": domain.name,
            "Area": domain.area.as_str(),
            "Status": domain.status.as_str(),
            "Disable": domain.disable,
            "Readonly": domain.readonly,
            "Standing": domain.standing,
            "Origin": domain.origin,
            "CacheKey": domain.cache_key,
            "Cache": domain.cache,
            "StatusCodeCache": domain.status_code_cache,
            "FollowRedirect": domain.follow_redirect,
        })
    };
    cloud.domains().iter().map(domain).collect()
}

async fn account(State(cloud): State<Arc<Cloud>>) -> Json<AccountSetup> {
    Json(cloud.account())
}

async fn put_account(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<AccountSetup>, BadRequestError> {
    cloud.set_account(read(&body)?);
    Ok(Json(cloud.account()))
}
