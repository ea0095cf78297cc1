//! The origin behind the simulated edge: content by host and path, set from outside, with `ETag` and `Last-Modified`.

pub(super) mod documents;

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderValue, Request, Response, header};

use super::api::time_formats;
use super::faults::http::AskedServer;
use super::faults::wire::FaultySide;
use super::listener;
use super::listener::DroppedConnectionError;
use super::state::Cloud;
use documents::Site;

pub(super) async fn handle(
    cloud: Arc<Cloud>,
    request: Request<Body>,
    machine: usize,
) -> Result<Response<Body>, DroppedConnectionError> {
    let host = listener::host(request.headers()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (response_fault, site) = {
        let mut state = cloud.state();
        if state.switches.origin_down {
            return Err(DroppedConnectionError);
        }
        let site = Site::of(&host, &state.domains);
        let server = AskedServer { side: FaultySide::Origin, number: machine };
        (state.answers.matched_faults(server, &[&host, site.name()], &path, request.headers()), site)
    };
    response_fault.delay(cloud.clock.as_ref()).await?;
    let mut response = match response_fault.replacement(&path, request.headers(), cloud.now()) {
        Some(response) => response,
        None => cloud.state().origin.serve(&host, &site, &path, &request, response_fault.serves_old_content()),
    };
    if let Ok(date) = HeaderValue::from_str(&time_formats::http_date(cloud.now())) {
        response.headers_mut().insert(header::DATE, date);
    }
    response_fault.change_headers(response.headers_mut());
    Ok(response_fault.change_body(response, request.headers(), &cloud.clock).await)
}
