//! The API: reads a request, applies the faults that match it, carries it out, and writes the call log.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use uuid::Uuid;

use super::account::CallContext;
use super::account::rate::RatedCall;
use super::faults::{MatchedFaults, ResponseFault};
use super::listener::DroppedConnectionError;
use super::state::Cloud;
use crate::domain::Timestamp;
use action::Action;
use call_log::RecordedCall;
use error::CloudError;
use messages::{ActionOutcome, CallTime, IncomingRequest};
use params::Params;
use signature::SignedRequest;

mod action;
pub(super) mod call_log;
pub(super) mod complete_tasks;
mod describe;
pub(super) mod error;
mod history;
mod messages;
mod params;
pub(super) mod signature;
mod submit;
pub(super) mod target;
pub(super) mod task;
pub(super) mod time_formats;

const VERSION: &str = "2018-06-06";

pub(super) async fn handle(
    cloud: Arc<Cloud>,
    request: Request<Body>,
) -> Result<Response<Body>, DroppedConnectionError> {
    let incoming = IncomingRequest::read(request).await?;
    let matched_faults = cloud.state().faults.matched_faults(incoming.action(), &incoming.targets());
    let now = cloud.now();
    let timestamp =
        Timestamp::from_millis(now.as_millis().saturating_add(matched_faults.skew_seconds().saturating_mul(1000)));
    let moment = CallTime { now, timestamp };
    let request_id = Uuid::new_v4().to_string();
    if matched_faults.drops_request() {
        record(&cloud, &incoming, &matched_faults, moment, &request_id, None);
        return Err(DroppedConnectionError);
    }
    if let Some(gateway) = matched_faults.gateway_before() {
        record(&cloud, &incoming, &matched_faults, moment, &request_id, None);
        return Ok(messages::gateway(&gateway, moment.timestamp));
    }
    let outcome = carry_out(&cloud, &incoming, &matched_faults, moment, &request_id).await;
    record(&cloud, &incoming, &matched_faults, moment, &request_id, Some(&outcome));
    let delay = matched_faults.answer_delay();
    if !delay.is_zero() {
        cloud.clock.sleep(delay).await;
    }
    let envelope = messages::envelope(outcome, &request_id);
    match matched_faults.response_fault() {
        None => Ok(messages::json(envelope, moment.timestamp)),
        Some(ResponseFault::Lost) => Err(DroppedConnectionError),
        Some(ResponseFault::Garbage) => Ok(messages::json(messages::GARBAGE, moment.timestamp)),
        Some(ResponseFault::Truncated) => Ok(messages::truncated(&envelope, moment.timestamp)),
        Some(ResponseFault::Endless) => Ok(messages::endless(moment.timestamp)),
        Some(ResponseFault::Gateway(gateway)) => Ok(messages::gateway(&gateway, moment.timestamp)),
    }
}

/// The checks in the provider's order, then the action. Nothing is done before the last check has passed.
async fn carry_out(
    cloud: &Arc<Cloud>,
    incoming: &IncomingRequest,
    matched_faults: &MatchedFaults,
    moment: CallTime,
    request_id: &str,
) -> Result<ActionOutcome, CloudError> {
    incoming.check_protocol()?;
    let headers = &incoming.parts.headers;
    let name = signature::required(headers, "X-TC-Action")?;
    let version = signature::required(headers, "X-TC-Version")?;
    let signed = SignedRequest {
        method: &incoming.parts.method,
        query: incoming.parts.uri.query().unwrap_or(""),
        headers,
        body: &incoming.body,
    };
    let credential = signature::verify(&signed, &cloud.credentials, moment.timestamp)?;
    if version != VERSION {
        return Err(CloudError::new("NoSuchVersion", "The API version does not exist."));
    }
    let Some(action) = Action::parse(name) else {
        return Err(CloudError::new("InvalidAction", "The requested action does not exist."));
    };
    check_rate(cloud, action, &credential.secret_id, moment.now)?;
    if let Some(error) = matched_faults.error() {
        return Err(error);
    }
    let context = CallContext { action: action.as_str(), hosts: incoming.hosts(), request_id };
    cloud.state().account.check(&context)?;
    let type_error_code = cloud.state().switches.type_error_code.clone();
    let params = Params::read(incoming.params.as_ref(), action.fields(), type_error_code)?;
    action.carry_out(cloud, &params, &matched_faults.row_faults(), moment).await
}

fn check_rate(cloud: &Cloud, action: Action, secret_id: &str, now: Timestamp) -> Result<(), CloudError> {
    let state = &mut *cloud.state();
    let (rule, scope) = (state.switches.call_rate, state.switches.call_rate_scope);
    let call = RatedCall { action: action.as_str(), secret_id, rule, scope };
    if state.rates.take(&call, cloud.calls_per_second, now) {
        return Ok(());
    }
    let limit = cloud.calls_per_second;
    Err(CloudError::new("RequestLimitExceeded", format!("The call rate exceeds {limit} requests per second.")))
}

/// `outcome` is `None` if a fault kept the call from the cloud.
fn record(
    cloud: &Cloud,
    incoming: &IncomingRequest,
    matched_faults: &MatchedFaults,
    moment: CallTime,
    request_id: &str,
    outcome: Option<&Result<ActionOutcome, CloudError>>,
) {
    let success = outcome.and_then(|outcome| outcome.as_ref().ok());
    let error = outcome.and_then(|outcome| outcome.as_ref().err());
    cloud.state().calls.record(RecordedCall {
        seq: 0,
        at: moment.now,
        action: incoming.action().to_owned(),
        request_id: request_id.to_owned(),
        code: error.map(|error| error.code.to_string()),
        task_id: success.and_then(|success| success.task_id.clone()),
        items: incoming.targets().len() as u64,
        charged: success.map_or(0, |success| success.charged),
        faults: matched_faults.names(),
    });
}
