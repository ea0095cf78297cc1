//! Every error as an RFC 9457 problem, worded for the person who has to act on it. Internals are logged and hidden.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::server::BodyTimeoutError;
use super::wire::{FieldErrorAnswer, ProblemAnswer};
use crate::domain::ScopeWord;
use crate::service::{FAULTS_MAX, InputError, ServiceError};
use crate::store::StoreError;

/// Why a request was not served.
#[derive(Debug, Clone)]
pub(crate) enum ApiError {
    /// The body is not JSON at all.
    Malformed(String),
    Unauthorized,
    Forbidden {
        code: &'static str,
        detail: String,
    },
    ScopeMissing {
        scopes: Vec<ScopeWord>,
        faults: Vec<InputError>,
    },
    NotFound(&'static str),
    NoSuchPath,
    WrongMethod,
    TooLarge {
        limit: usize,
    },
    TooSlow(BodyTimeoutError),
    NotJson,
    Invalid(Vec<InputError>),
    KeyReused,
    Final(&'static str),
    TooMany {
        why: &'static str,
        again_in: Duration,
    },
    Draining,
    DiskFull,
    /// The database cannot be read or written at this moment.
    StoreUnavailable(String),
    Internal(String),
}

const DISK_RETRY_S: u64 = 30;
const STORE_RETRY_S: u64 = 5;
const DRAIN_RETRY_S: u64 = 5;

impl ApiError {
    /// One fault of the body.
    pub(crate) fn fault(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![InputError { pointer: pointer.into(), code, detail: detail.into() }])
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::ScopeMissing { .. } => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Final(_) => StatusCode::CONFLICT,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Draining | Self::StoreUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_json",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden { code, .. } => code,
            Self::ScopeMissing { .. } => "scope_missing",
            Self::NotFound(_) => "not_found",
            Self::NoSuchPath => "no_such_path",
            Self::WrongMethod => "wrong_method",
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow(_) => "too_slow",
            Self::NotJson => "not_json",
            Self::Invalid(_) => "invalid",
            Self::KeyReused => "idempotency_key_reused",
            Self::Final(_) => "nothing_to_do",
            Self::TooMany { .. } => "too_many",
            Self::Draining => "draining",
            Self::DiskFull => "disk_full",
            Self::StoreUnavailable(_) => "store_unavailable",
            Self::Internal(_) => "internal",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Malformed(detail) | Self::Forbidden { detail, .. } => detail.clone(),
            Self::Unauthorized => "send a valid token as Authorization: Bearer …".to_owned(),
            Self::ScopeMissing { scopes, .. } => {
                let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
                format!("nothing was done: the token is missing the scope {}", words.join(" and "))
            }
            Self::NotFound(what) => format!("there is no such {what}, or it is not yours"),
            Self::NoSuchPath => "there is nothing at this path; /openapi.json lists what there is".to_owned(),
            Self::WrongMethod => "this path does not know the method; /openapi.json lists what it knows".to_owned(),
            Self::TooLarge { limit } => format!("the body is over {limit} bytes; split the job"),
            Self::TooSlow(too_slow) => format!("{too_slow}; nothing was stored"),
            Self::NotJson => "the body must be JSON, sent as Content-Type: application/json".to_owned(),
            Self::Invalid(faults) if faults.len() > FAULTS_MAX => {
                format!("nothing was done: {} faults, of which the first {FAULTS_MAX} are listed", faults.len())
            }
            Self::Invalid(faults) => format!("nothing was done: {} to mend", counted(faults.len())),
            Self::KeyReused => "this Idempotency-Key was used before with another body; use a new key".to_owned(),
            Self::Final(why) | Self::TooMany { why, .. } => (*why).to_owned(),
            Self::Draining => "the daemon is stopping; try again in a moment".to_owned(),
            Self::DiskFull => "the disk that holds the database is full; nothing was stored".to_owned(),
            Self::StoreUnavailable(_) => "the database cannot be used at this moment; try again".to_owned(),
            Self::Internal(_) => "the daemon failed; its log tells why under this request_id".to_owned(),
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            // Rounded up: who comes early is refused again.
            Self::TooMany { again_in, .. } => Some(again_in.as_secs() + u64::from(again_in.subsec_nanos() > 0)),
            Self::Draining => Some(DRAIN_RETRY_S),
            Self::DiskFull => Some(DISK_RETRY_S),
            Self::StoreUnavailable(_) => Some(STORE_RETRY_S),
            _ => None,
        }
    }

    /// The answer to the request of this id.
    pub(super) fn to_problem(&self, request_id: String) -> Response {
        let mut response = (self.status(), Json(self.problem(request_id))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::Unauthorized) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }

    fn problem(&self, request_id: String) -> ProblemAnswer {
        let status = self.status();
        let faults = match self {
            Self::Invalid(faults) | Self::ScopeMissing { faults, .. } => faults.as_slice(),
            _ => &[],
        };
        let errors = faults.iter().take(FAULTS_MAX).map(|fault| FieldErrorAnswer {
            pointer: fault.pointer.clone(),
            code: fault.code.to_owned(),
            detail: fault.detail.clone(),
        });
        ProblemAnswer {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: self.code().to_owned(),
            detail: self.detail(),
            request_id,
            retryable: matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
                || status.is_server_error() && status != StatusCode::INTERNAL_SERVER_ERROR,
            retry_after_s: self.retry_after_s(),
            errors: errors.collect(),
        }
    }
}

fn counted(faults: usize) -> String {
    if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") }
}

impl From<ServiceError> for ApiError {
    fn from(refusal: ServiceError) -> Self {
        match refusal {
            ServiceError::Unauthorized => Self::Unauthorized,
            ServiceError::ScopeMissing { scopes, faults } => Self::ScopeMissing { scopes, faults },
            ServiceError::NotFound(what) => Self::NotFound(what),
            ServiceError::Invalid(faults) => Self::Invalid(faults),
            ServiceError::KeyReused => Self::KeyReused,
            ServiceError::Final(why) => Self::Final(why),
            ServiceError::TooMany { why, again_in } => Self::TooMany { why, again_in },
            ServiceError::Store(StoreError::DiskFull(_)) => Self::DiskFull,
            ServiceError::Store(error @ (StoreError::Database(_) | StoreError::Closed)) => {
                Self::StoreUnavailable(format!("{error:?}"))
            }
            ServiceError::Store(error @ StoreError::Damaged(_)) => Self::Internal(format!("{error:?}")),
        }
    }
}

impl IntoResponse for ApiError {
    /// An empty answer that carries the error to the `Front`, which knows the request's id.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(super) async fn no_such_path() -> ApiError {
    ApiError::NoSuchPath
}

pub(super) async fn wrong_method() -> ApiError {
    ApiError::WrongMethod
}
