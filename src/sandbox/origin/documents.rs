//! What the origin has at each host and path, and how it answers for it.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::domain::Timestamp;
use crate::sandbox::api::time_formats;
use crate::sandbox::domain_config::domain::{Domain, DomainTable};
use crate::sandbox::wire::OriginContent;

#[derive(Debug, Default)]
pub(crate) struct OriginServer {
    documents: HashMap<(String, String), OriginDocument>,
}

#[derive(Debug, Clone)]
struct OriginDocument {
    status: StatusCode,
    body: Bytes,
    headers: HeaderMap,
    last_modified: Timestamp,
    /// What was there before the last change.
    previous: Option<Box<OriginDocument>>,
}

/// Why content cannot be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    #[error("`path` begins with `/` and holds neither spaces nor raw non-ASCII")]
    Path,
    #[error("`status` is a final HTTP status, 200 to 599")]
    Status,
    #[error("`{0}` is not a header's value")]
    Header(&'static str),
}

impl OriginServer {
    /// Something for a newcomer to purge: a page, a script and a picture for each domain.
    pub(crate) fn seeded(domains: &[Domain], now: Timestamp) -> Self {
        let mut origin = Self::default();
        // An hour old, so that whatever replaces it is newer to the second.
        let written_at = now - Duration::from_secs(60 * 60);
        for name in domains.iter().filter(|domain| !domain.is_wildcard()).map(|domain| &domain.name) {
            for (path, body) in [
                (
                    "/",
                    format!(
                        "<!doctype html>\n<title>{name}</title>\n<script src=\"/app.js\"></script>\n<p>Version 1\n"
                    ),
                ),
                ("/app.js", "console.log(\"version 1\");\n".to_owned()),
                ("/img/logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"><circle r=\"1\"/></svg>\n".to_owned()),
            ] {
                let result = origin.put(OriginContent::new(name, path, body), written_at);
                debug_assert_eq!(result, Ok(()));
            }
        }
        origin
    }

    /// A change always shows in `Last-Modified`, even within one second, unless the content says otherwise.
    pub(crate) fn put(&mut self, content: OriginContent, now: Timestamp) -> Result<(), ContentError> {
        if !content.path.starts_with('/') || !content.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ContentError::Path);
        }
        let status = StatusCode::from_u16(content.status.unwrap_or(200)).map_err(|_| ContentError::Status)?;
        if status.is_informational() || status.as_u16() > 599 {
            return Err(ContentError::Status);
        }
        let key = (content.host.to_ascii_lowercase(), content.path.clone());
        let whole_second = Timestamp::from_millis(now.as_secs() * 1000);
        let last_modified = match self.documents.get(&key) {
            Some(before) if content.keep_last_modified => before.last_modified,
            Some(before) => whole_second.max(before.last_modified + Duration::from_secs(1)),
            None => whole_second,
        };
        let headers = headers(&content, last_modified)?;
        let previous = self.documents.remove(&key).map(|before| Box::new(OriginDocument { previous: None, ..before }));
        self.documents
            .insert(key, OriginDocument { status, body: content.body.into(), headers, last_modified, previous });
        Ok(())
    }

    /// Says whether there was such content.
    pub(crate) fn remove(&mut self, host: &str, path: &str) -> bool {
        self.documents.remove(&(host.to_ascii_lowercase(), path.to_owned())).is_some()
    }
}

fn headers(content: &OriginContent, last_modified: Timestamp) -> Result<HeaderMap, ContentError> {
    let digest = Sha256::digest(content.body.as_bytes());
    let etag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let content_type = content.content_type.as_deref().unwrap_or_else(|| content_type_of(&content.path));
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, Some(content_type)),
        (header::CACHE_CONTROL, content.cache_control.as_deref()),
        (header::ETAG, Some(format!("\"{etag}\"").as_str())),
        (header::LAST_MODIFIED, Some(time_formats::http_date(last_modified).as_str())),
    ] {
        let Some(value) = value else { continue };
        let field = if name == header::CACHE_CONTROL { "cache_control" } else { "content_type" };
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| ContentError::Header(field))?);
    }
    Ok(headers)
}

fn content_type_of(path: &str) -> &'static str {
    let file = path.split('?').next().unwrap_or(path);
    match file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        _ => "text/html",
    }
}

/// Whose content a Host is answered with.
pub(super) enum Site {
    Named(String),
    /// A domain's own name, although its origin is configured to be asked by another: a virtual host that nobody set up.
    Unconfigured(String),
}

impl Site {
    pub(super) fn of(host: &str, domains: &DomainTable) -> Self {
        let is_asked_as = |domain: &&Domain| domain.origin.server_name.as_deref() == Some(host);
        match (domains.0.iter().find(is_asked_as), domains.named(host)) {
            (Some(domain), _) if !domain.is_wildcard() => Self::Named(domain.name.clone()),
            (_, Some(domain)) if domain.origin.server_name.is_some() => Self::Unconfigured(host.to_owned()),
            _ => Self::Named(host.to_owned()),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) | Self::Unconfigured(name) => name,
        }
    }
}

impl OriginServer {
    pub(super) fn serve(
        &self,
        host: &str,
        site: &Site,
        path: &str,
        request: &Request<Body>,
        previous: bool,
    ) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "");
        }
        let Site::Named(name) = site else { return plain(StatusCode::OK, "It works! Nobody set up this host.\n") };
        let at = |host: &str, path: &str| self.documents.get(&(host.to_owned(), path.to_owned()));
        let document = |path: &str| at(host, path).or_else(|| at(name, path));
        // As servers of files do, a query that nobody put content for changes nothing.
        let bare = path.split_once('?').map(|(bare, _)| bare);
        match document(path).or_else(|| bare.and_then(document)) {
            Some(document) if previous => document.previous.as_deref().unwrap_or(document).respond(request.headers()),
            Some(document) => document.respond(request.headers()),
            None => plain(StatusCode::NOT_FOUND, "The origin has no such file.\n"),
        }
    }
}

impl OriginDocument {
    fn respond(&self, request: &HeaderMap) -> Response<Body> {
        let unchanged = self.status == StatusCode::OK && self.is_unchanged_for(request);
        let body = if unchanged { Body::empty() } else { Body::from(self.body.clone()) };
        let mut response = Response::new(body);
        *response.status_mut() = if unchanged { StatusCode::NOT_MODIFIED } else { self.status };
        *response.headers_mut() = self.headers.clone();
        response
    }

    fn is_unchanged_for(&self, request: &HeaderMap) -> bool {
        if let Some(etag) = request.get(header::IF_NONE_MATCH) {
            return self.headers.get(header::ETAG) == Some(etag);
        }
        let since = request.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        since.and_then(time_formats::parse_http_date).is_some_and(|since| self.last_modified <= since)
    }
}

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_500);

    fn put(origin: &mut OriginServer, body: &str, keep_last_modified: bool) -> OriginDocument {
        let content = OriginContent { keep_last_modified, ..OriginContent::new("www.example.com", "/a.js", body) };
        origin.put(content, NOW).unwrap();
        origin.documents[&("www.example.com".to_owned(), "/a.js".to_owned())].clone()
    }

    fn status(document: &OriginDocument, name: header::HeaderName, value: &HeaderValue) -> StatusCode {
        let request = HeaderMap::from_iter([(name, value.clone())]);
        document.respond(&request).status()
    }

    #[test]
    fn a_change_in_the_same_second_has_a_new_last_modified_unless_told_to_keep_it() {
        let mut origin = OriginServer::default();
        let one = put(&mut origin, "1", false);
        let two = put(&mut origin, "2", false);
        let three = put(&mut origin, "3", true);
        assert!(one.last_modified < two.last_modified);
        assert_eq!(two.last_modified, three.last_modified);
        assert_ne!(two.headers[header::ETAG], three.headers[header::ETAG]);
    }

    #[test]
    fn a_condition_that_holds_is_answered_without_a_body() {
        let mut origin = OriginServer::default();
        let one = put(&mut origin, "1", false);
        let two = put(&mut origin, "2", false);
        let (etag, modified) = (&one.headers[header::ETAG], &one.headers[header::LAST_MODIFIED]);
        assert_eq!(status(&one, header::IF_NONE_MATCH, etag), StatusCode::NOT_MODIFIED);
        assert_eq!(status(&two, header::IF_NONE_MATCH, etag), StatusCode::OK);
        assert_eq!(status(&one, header::IF_MODIFIED_SINCE, modified), StatusCode::NOT_MODIFIED);
        assert_eq!(status(&two, header::IF_MODIFIED_SINCE, modified), StatusCode::OK);
    }

    #[test]
    fn content_that_http_cannot_carry_is_refused() {
        let mut origin = OriginServer::default();
        let base = || OriginContent::new("www.example.com", "/a", "");
        let mut refused = |content| origin.put(content, NOW).unwrap_err();
        assert_eq!(refused(OriginContent { path: "a".into(), ..base() }), ContentError::Path);
        assert_eq!(refused(OriginContent { path: "/a b".into(), ..base() }), ContentError::Path);
        assert_eq!(refused(OriginContent { status: Some(101), ..base() }), ContentError::Status);
        let header = OriginContent { cache_control: Some("a\nb".into()), ..base() };
        assert_eq!(refused(header), ContentError::Header("cache_control"));
    }
}
