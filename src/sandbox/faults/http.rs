//! Which rule spoils an answer of origin or edge, and how.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::wire::{AnswerFault, AnswerRule, FaultySide};
use super::{compression, delivery, places};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::sandbox::listener::{DroppedConnectionError, header_text};

#[derive(Debug, Default)]
pub(crate) struct HttpFaults(Vec<CountedAnswerRule>);

#[derive(Debug)]
struct CountedAnswerRule {
    rule: AnswerRule,
    matched: u64,
    applied: u64,
}

/// Which server a request came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedServer {
    pub(crate) side: FaultySide,
    /// Those with an address of their own count from 1; 0 is the sandbox's own ports.
    pub(crate) number: usize,
}

/// Why a rule cannot be meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerRuleError {
    #[error("`status` is a final HTTP status, 200 to 599")]
    Status,
    #[error("`{0}` is no header that HTTP can carry")]
    Header(String),
    #[error("`location` is not a header's value")]
    Location,
    #[error("`every` counts from 1")]
    Every,
}

impl HttpFaults {
    pub(crate) fn replace(&mut self, rules: Vec<AnswerRule>) -> Result<(), AnswerRuleError> {
        rules.iter().try_for_each(check)?;
        self.0 = rules.into_iter().map(|rule| CountedAnswerRule { rule, matched: 0, applied: 0 }).collect();
        Ok(())
    }

    pub(crate) fn rules(&self) -> Vec<AnswerRule> {
        self.0.iter().map(|counted| counted.rule.clone()).collect()
    }

    /// The faults up to the first rule that fits and wants no more; `names` are all that the host goes by.
    pub(crate) fn matched_faults(
        &mut self,
        server: AskedServer,
        names: &[&str],
        path: &str,
        headers: &HeaderMap,
    ) -> HttpFaultPlan {
        let has = |name: HeaderName, part: &Option<String>| {
            part.as_ref().is_none_or(|part| header_text(headers, &name).contains(part.as_str()))
        };
        let fits = |rule: &AnswerRule| {
            rule.at == server.side
                && rule.number.is_none_or(|number| number == server.number)
                && names.iter().any(|name| rule.host.eq_ignore_ascii_case(name))
                && rule.path.as_ref().is_none_or(|begin| path.starts_with(begin))
                && has(header::USER_AGENT, &rule.user_agent)
                && has(header::COOKIE, &rule.cookie)
                && has(header::ACCEPT_ENCODING, &rule.accept_encoding)
        };
        let mut faults = Vec::new();
        for counted in self.0.iter_mut().filter(|counted| fits(&counted.rule)) {
            if counted.applies() {
                faults.push(counted.rule.fault.clone());
                if !counted.rule.more {
                    break;
                }
            }
        }
        HttpFaultPlan(faults)
    }
}

impl CountedAnswerRule {
    /// Counts a request that fits.
    fn applies(&mut self) -> bool {
        self.matched += 1;
        let is_due = self.rule.every.is_none_or(|every| self.matched.is_multiple_of(every));
        let is_left = self.rule.times.is_none_or(|times| self.applied < times);
        self.applied += u64::from(is_due && is_left);
        is_due && is_left
    }
}

fn check(rule: &AnswerRule) -> Result<(), AnswerRuleError> {
    if rule.every == Some(0) {
        return Err(AnswerRuleError::Every);
    }
    match &rule.fault {
        AnswerFault::Status { status, .. }
        | AnswerFault::Redirect { status, .. }
        | AnswerFault::Content { status, .. }
            if !(200..=599).contains(status) =>
        {
            Err(AnswerRuleError::Status)
        }
        AnswerFault::Redirect { location, .. } if HeaderValue::from_str(location).is_err() => {
            Err(AnswerRuleError::Location)
        }
        AnswerFault::Headers { headers } | AnswerFault::Content { headers, .. } => {
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
pub(crate) struct HttpFaultPlan(Vec<AnswerFault>);

impl HttpFaultPlan {
    /// Waits as long as the answer is to be late, which may be for ever.
    pub(crate) async fn delay(&self, clock: &dyn Clock) -> Result<(), DroppedConnectionError> {
        for fault in &self.0 {
            match fault {
                AnswerFault::Close => return Err(DroppedConnectionError),
                AnswerFault::Hang => std::future::pending().await,
                AnswerFault::Slow { millis } => clock.sleep(Duration::from_millis(*millis)).await,
                _ => {}
            }
        }
        Ok(())
    }

    /// An answer in place of the server's own.
    pub(crate) fn replacement(&self, path: &str, request: &HeaderMap, now: Timestamp) -> Option<Response<Body>> {
        self.0.iter().find_map(|fault| {
            let response = Response::builder();
            let response = match fault {
                AnswerFault::Status { status, body } => response.status(*status).body(body.clone().into()),
                AnswerFault::Redirect { location, status } => {
                    response.status(*status).header(header::LOCATION, location).body(Body::empty())
                }
                AnswerFault::RedirectToItself => {
                    response.status(StatusCode::FOUND).header(header::LOCATION, path).body(Body::empty())
                }
                AnswerFault::Content { body, status, headers } => {
                    let fill = |text: &str| places::fill(text, path, request, now);
                    let headers = headers.iter().map(|(name, value)| (name, fill(value)));
                    let response =
                        headers.fold(response.status(*status), |response, (name, value)| response.header(name, value));
                    response.body(fill(body).into())
                }
                _ => return None,
            };
            response.ok()
        })
    }

    pub(crate) fn serves_old_content(&self) -> bool {
        self.0.contains(&AnswerFault::OldContent)
    }

    /// What is changed of the answer's headers.
    pub(crate) fn change_headers(&self, headers: &mut HeaderMap) {
        for fault in &self.0 {
            match fault {
                AnswerFault::WithoutValidators => {
                    headers.remove(header::ETAG);
                    headers.remove(header::LAST_MODIFIED);
                }
                AnswerFault::Headers { headers: changes } => {
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

    /// What is changed of how the body is sent.
    pub(crate) async fn change_body(
        &self,
        mut response: Response<Body>,
        request: &HeaderMap,
        clock: &Arc<dyn Clock>,
    ) -> Response<Body> {
        for fault in &self.0 {
            response = match fault {
                AnswerFault::Compressed { encoding } => {
                    compression::compressed(response, *encoding, request, clock.now()).await
                }
                AnswerFault::Chunked => delivery::in_chunks(response, Duration::ZERO, clock).await,
                AnswerFault::SlowBody { millis } => {
                    delivery::in_chunks(response, Duration::from_millis(*millis), clock).await
                }
                AnswerFault::BrokenBody => delivery::broken_off(response).await,
                _ => response,
            };
        }
        response
    }
}
