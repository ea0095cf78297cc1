//! The part of the control endpoint that sets the simulated world: names, certificates, servers, domains, the account.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, put};
use serde_json::{Value, json};

use super::wire::DomainPlace;
use super::{UnreadableBodyError, read};
use crate::sandbox::account::wire::AccountSetup;
use crate::sandbox::dns::wire::DnsRule;
use crate::sandbox::domain_config::domain::Domain;
use crate::sandbox::domain_config::wire::DomainChange;
use crate::sandbox::faults::http::AnswerRule;
use crate::sandbox::state::Cloud;
use crate::sandbox::tls::CertificateRule;

pub(super) fn routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/control/dns", get(dns).put(put_dns))
        .route("/control/ca", get(root_certificate))
        .route("/control/certificates", get(certificates).put(put_certificates))
        .route("/control/answers", get(answers).put(put_answers))
        .route("/control/domains", get(domains).put(put_domains).delete(delete_domain))
        .route("/control/account", put(put_account).get(account))
}

async fn dns(State(cloud): State<Arc<Cloud>>) -> Json<Vec<DnsRule>> {
    Json(cloud.dns())
}

async fn put_dns(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Vec<DnsRule>>, UnreadableBodyError> {
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
) -> Result<Json<Vec<CertificateRule>>, UnreadableBodyError> {
    cloud.set_certificates(read(&body)?);
    Ok(Json(cloud.certificates()))
}

async fn answers(State(cloud): State<Arc<Cloud>>) -> Json<Vec<AnswerRule>> {
    Json(cloud.answers())
}

async fn put_answers(
    State(cloud): State<Arc<Cloud>>,
    body: Bytes,
) -> Result<Json<Vec<AnswerRule>>, UnreadableBodyError> {
    cloud.set_answers(read(&body)?).map_err(|fault| UnreadableBodyError(fault.to_string()))?;
    Ok(Json(cloud.answers()))
}

async fn domains(State(cloud): State<Arc<Cloud>>) -> Json<Vec<Value>> {
    Json(view(&cloud))
}

/// Changes what is named of the domains that are named, and leaves the rest.
async fn put_domains(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Vec<Value>>, UnreadableBodyError> {
    let changes: Vec<DomainChange> = read(&body)?;
    cloud.change_domains(changes).map_err(|fault| UnreadableBodyError(fault.to_string()))?;
    Ok(Json(view(&cloud)))
}

async fn delete_domain(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<StatusCode, UnreadableBodyError> {
    let DomainPlace { domain } = read(&body)?;
    Ok(if cloud.remove_domain(&domain) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

/// In the words in which they are set, so that what is read can be put back.
fn view(cloud: &Cloud) -> Vec<Value> {
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

async fn put_account(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<AccountSetup>, UnreadableBodyError> {
    cloud.set_account(read(&body)?);
    Ok(Json(cloud.account()))
}
