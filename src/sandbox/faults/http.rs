//! Which rule spoils an answer of origin or edge, and how.

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::wire::{AnswerFault, AnswerRule, FaultySide};
use crate::clock::Clock;
use crate::sandbox::listener::DroppedConnectionError;

#[derive(Debug, Default)]
pub(crate) struct HttpFaults(Vec<AnswerRule>);

/// Why a rule cannot be meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRuleError {
    #[error("`status` is a final HTTP status, 200 to 599")]
    Status,
    #[error("`{0}` is no header that HTTP can carry")]
    Header(String),
    #[error("`location` is not a header's value")]
    Location,
}

impl HttpFaults {
    pub(crate) fn replace(&mut self, rules: Vec<AnswerRule>) -> Result<(), AnswerRuleError> {
        rules.iter().try_for_each(check)?;
        self.0 = rules;
        Ok(())
    }

    pub(crate) fn rules(&self) -> Vec<AnswerRule> {
        self.0.clone()
    }

    /// `names` are all that the host goes by.
    pub(crate) fn matched_faults(
        &self,
        at: FaultySide,
        names: &[&str],
        path: &str,
        headers: &HeaderMap,
    ) -> HttpFaultPlan {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let fits = |rule: &&AnswerRule| {
            rule.at == at
                && names.iter().any(|name| rule.host.eq_ignore_ascii_case(name))
                && rule.path.as_ref().is_none_or(|begin| path.starts_with(begin))
                && rule.user_agent.as_ref().is_none_or(|part| agent.contains(part))
        };
        HttpFaultPlan(self.0.iter().find(fits).map(|rule| rule.fault.clone()))
    }
}

fn check(rule: &AnswerRule) -> Result<(), AnswerRuleError> {
    match &rule.fault {
        AnswerFault::Status { status, .. } | AnswerFault::Redirect { status, .. } if !(200..=599).contains(status) => {
            Err(AnswerRuleError::Status)
        }
        AnswerFault::Redirect { location, .. } if HeaderValue::from_str(location).is_err() => {
            Err(AnswerRuleError::Location)
        }
        AnswerFault::Headers { headers } => {
            let bad = headers.iter().find(|(name, value)| {
                HeaderName::try_from(name.as_str()).is_err() || HeaderValue::from_str(value).is_err()
            });
            bad.map_or(Ok(()), |(name, _)| Err(AnswerRuleError::Header(name.clone())))
        }
        _ => Ok(()),
    }
}

/// What is done to one answer; nothing, mostly.
#[derive(Debug, Default)]
pub(crate) struct HttpFaultPlan(Option<AnswerFault>);

impl HttpFaultPlan {
    /// Waits as long as the answer is to be late, which may be for ever.
    pub(crate) async fn delay(&self, clock: &dyn Clock) -> Result<(), DroppedConnectionError> {
        match &self.0 {
            Some(AnswerFault::Close) => Err(DroppedConnectionError),
            Some(AnswerFault::Hang) => std::future::pending().await,
            Some(fault) if !fault.delay().is_zero() => {
                clock.sleep(fault.delay()).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An answer in place of the server's own.
    pub(crate) fn replacement(&self, path: &str) -> Option<Response<Body>> {
        let (status, location, body) = match self.0.as_ref()? {
            AnswerFault::Status { status, body } => (*status, None, body.clone()),
            AnswerFault::Redirect { location, status } => (*status, Some(location.as_str()), String::new()),
            AnswerFault::RedirectToItself => (302, Some(path), String::new()),
            _ => return None,
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).ok()?;
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(location).ok()?);
        }
        Some(response)
    }

    pub(crate) fn serves_old_content(&self) -> bool {
        self.0 == Some(AnswerFault::OldContent)
    }

    /// What is changed of the answer's headers.
    pub(crate) fn change_headers(&self, headers: &mut HeaderMap) {
        match &self.0 {
            Some(AnswerFault::WithoutValidators) => {
                headers.remove(header::ETAG);
                headers.remove(header::LAST_MODIFIED);
            }
            Some(AnswerFault::Headers { headers: changes }) => {
                let read = |(name, value): (&String, &String)| {
                    Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::from_str(value).ok()?))
                };
                for (name, value) in changes.iter().filter_map(read) {
                    headers.insert(name, value);
                }
            }
            _ => {}
        }
    }
}
