//! What a call may list: reads each URL or directory, finds the domain that owns it, and refuses as the provider does.

use super::error::CloudError;
use super::task::TaskKind;
use crate::sandbox::domain_config::domain::{Area, Domain, DomainTable};
use crate::sandbox::domain_config::wire::DomainConfigState;
use crate::sandbox::edge::cache::EdgeScheme;
use crate::sandbox::wire::{DirectorySlashRule, Switches};

/// What the call says about all its targets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetOptions {
    pub(crate) kind: TaskKind,
    pub(crate) area: Option<Area>,
    pub(crate) url_encode: bool,
}

impl TargetOptions {
    /// The area that pays. A purge without one covers the domain's, a prefetch the mainland.
    fn area_on(&self, domain: &Domain) -> Area {
        let default = if self.kind == TaskKind::Push { Area::Mainland } else { domain.area };
        self.area.unwrap_or(default)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParsedTarget {
    /// As the call wrote it.
    pub(crate) url: String,
    pub(crate) scheme: EdgeScheme,
    pub(crate) host: String,
    /// With its query, whether that counts or not.
    pub(crate) path: String,
    pub(crate) area: Area,
    /// Only if bad targets are let through: the row will end `fail`.
    pub(crate) bad: bool,
}

impl ParsedTarget {
    /// A target that was let through although no domain can serve it.
    pub(crate) fn bad(url: &str, options: TargetOptions) -> Self {
        let area = options.area.unwrap_or(Area::Mainland);
        let (scheme, host, path) = (EdgeScheme::Http, String::new(), String::new());
        Self { url: url.to_owned(), scheme, host, path, area, bad: true }
    }
}

/// Reads one target of a call.
pub(crate) fn parse(
    url: &str,
    options: TargetOptions,
    domains: &DomainTable,
    switches: &Switches,
) -> Result<ParsedTarget, CloudError> {
    if url.len() > switches.url_bytes_max {
        return Err(too_long(options.kind));
    }
    let (scheme, host, path) =
        split(url).ok_or_else(|| CloudError::parameter("A URL needs http:// or https:// and a host."))?;
    if host.contains('*') {
        return Err(wildcard(options.kind));
    }
    let domain = domains.owner_of(&host).ok_or_else(|| {
        CloudError::new("ResourceNotFound.CdnHostNotExists", "The domain name does not exist in this account.")
    })?;
    check_standing(domain.standing)?;
    if !domain.status.serves() {
        return Err(not_serving(options.kind));
    }
    let area = options.area_on(domain);
    if !domain.area.covers(area) {
        return Err(CloudError::parameter("Area does not fit the acceleration area of the domain."));
    }
    if switches.star_in_path_refused && path.contains('*') {
        return Err(CloudError::parameter("`*` is not allowed in a path."));
    }
    let path = if options.url_encode { percent_encoded(&path) } else { path };
    let path = match options.kind {
        TaskKind::PurgePath => directory(path, switches.directory_slash)?,
        TaskKind::PurgeUrl | TaskKind::Push => path,
    };
    Ok(ParsedTarget { url: url.to_owned(), scheme, host, path, area, bad: false })
}

/// Scheme, host in lower case, and path with query; the fragment never reaches a server.
fn split(url: &str) -> Option<(EdgeScheme, String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => EdgeScheme::Http,
        "https" => EdgeScheme::Https,
        _ => return None,
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if host.is_empty() {
        return None;
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((scheme, host.to_ascii_lowercase(), path))
}

fn directory(path: String, slash: DirectorySlashRule) -> Result<String, CloudError> {
    if path.contains('?') {
        return Err(CloudError::parameter("A directory has no query string."));
    }
    match slash {
        _ if path.ends_with('/') => Ok(path),
        DirectorySlashRule::Append => Ok(path + "/"),
        DirectorySlashRule::Prefix => Ok(path),
        DirectorySlashRule::Refuse => Err(CloudError::parameter("A directory ends in `/`.")),
    }
}

/// What `UrlEncode` asks for: bytes beyond ASCII become `%XX`, all others stay.
fn percent_encoded(path: &str) -> String {
    path.bytes()
        .map(|byte| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn too_long(kind: TaskKind) -> CloudError {
    match kind {
        TaskKind::Push => CloudError::parameter("The URL is too long."),
        _ => CloudError::new("InvalidParameter.CdnUrlExceedLength", "The URL is too long."),
    }
}

fn wildcard(kind: TaskKind) -> CloudError {
    let code = match kind {
        TaskKind::Push => "InvalidParameter.CdnPushWildcardNotAllowed",
        _ => "InvalidParameter.CdnPurgeWildcardNotAllowed",
    };
    CloudError::new(code, "A wildcard domain is not allowed here; list each sub-domain.")
}

fn check_standing(standing: DomainConfigState) -> Result<(), CloudError> {
    let (code, message) = match standing {
        DomainConfigState::Normal => return Ok(()),
        DomainConfigState::MovingToEdgeOne => {
            ("OperationDenied.ProductUpdating", "The domain name is being moved to EdgeOne.")
        }
        DomainConfigState::MovedToEdgeOne => {
            ("InvalidParameter.CdnHostExistsInEdgeOne", "The domain name is in EdgeOne.")
        }
        DomainConfigState::OwnedByOther => {
            ("UnauthorizedOperation.CdnHostIsOwnedByOther", "The domain name belongs to another account.")
        }
        DomainConfigState::Locked => ("ResourceUnavailable.CdnHostIsLocked", "The domain name is locked."),
        DomainConfigState::Malicious => {
            ("ResourceUnavailable.CdnHostIsMalicious", "The domain name is blocked as malicious.")
        }
        DomainConfigState::NoIcp => ("ResourceUnavailable.CdnHostNoIcp", "The domain name has no ICP filing."),
    };
    Err(CloudError::new(code, message))
}

fn not_serving(kind: TaskKind) -> CloudError {
    match kind {
        TaskKind::Push => CloudError::new("ResourceUnavailable.CdnHostIsNotOnline", "The domain name is offline."),
        _ => CloudError::new(
            "InvalidParameter.CdnHostInvalidStatus",
            "The status of the domain name does not allow this.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::domain_config::domain::DomainStatus;

    fn domains() -> DomainTable {
        let mut overseas = Domain::new("sea.example.com");
        overseas.area = Area::Overseas;
        let mut offline = Domain::new("off.example.com");
        offline.status = DomainStatus::Offline;
        DomainTable(vec![Domain::new("www.example.com"), overseas, offline])
    }

    fn parse_as(url: &str, kind: TaskKind, area: Option<Area>, switches: &Switches) -> Result<ParsedTarget, String> {
        let options = TargetOptions { kind, area, url_encode: false };
        parse(url, options, &domains(), switches).map_err(|refusal| refusal.code.into_owned())
    }

    fn refusal(url: &str, kind: TaskKind, area: Option<Area>) -> String {
        parse_as(url, kind, area, &Switches::default()).unwrap_err()
    }

    fn parsed(url: &str, kind: TaskKind) -> (String, String, Area) {
        let target = parse_as(url, kind, None, &Switches::default()).unwrap();
        (target.host, target.path, target.area)
    }

    #[test]
    fn a_target_is_found_by_host_path_and_query() {
        let www = |path: &str, area| ("www.example.com".to_owned(), path.to_owned(), area);
        assert_eq!(parsed("https://WWW.example.com", TaskKind::PurgeUrl), www("/", Area::Global));
        assert_eq!(parsed("http://www.example.com/a?b=1#c", TaskKind::PurgeUrl), www("/a?b=1", Area::Global));
        assert_eq!(parsed("http://www.example.com?b", TaskKind::Push), www("/?b", Area::Mainland));
        assert_eq!(parsed("http://www.example.com/dir", TaskKind::PurgePath), www("/dir/", Area::Global));
        let sea = ("sea.example.com".to_owned(), "/a?query".to_owned(), Area::Overseas);
        assert_eq!(parsed("http://sea.example.com/a?query", TaskKind::PurgeUrl), sea);
    }

    #[test]
    fn each_bad_target_has_its_code() {
        use TaskKind::{PurgePath, PurgeUrl, Push};
        let long = format!("http://www.example.com/{}", "a".repeat(2_048));
        for (url, kind, code) in [
            ("www.example.com/a", PurgeUrl, "InvalidParameter.CdnParamError"),
            ("ftp://www.example.com/a", PurgeUrl, "InvalidParameter.CdnParamError"),
            ("https:///a", PurgeUrl, "InvalidParameter.CdnParamError"),
            ("http://*.example.com/", PurgePath, "InvalidParameter.CdnPurgeWildcardNotAllowed"),
            ("http://*.example.com/", Push, "InvalidParameter.CdnPushWildcardNotAllowed"),
            ("http://other.example.com/", PurgeUrl, "ResourceNotFound.CdnHostNotExists"),
            ("http://off.example.com/", PurgeUrl, "InvalidParameter.CdnHostInvalidStatus"),
            ("http://off.example.com/", Push, "ResourceUnavailable.CdnHostIsNotOnline"),
            ("http://sea.example.com/", Push, "InvalidParameter.CdnParamError"),
            ("http://www.example.com/dir/?a", PurgePath, "InvalidParameter.CdnParamError"),
            (&long, PurgeUrl, "InvalidParameter.CdnUrlExceedLength"),
        ] {
            assert_eq!(refusal(url, kind, None), code, "{url}");
        }
        assert_eq!(refusal("http://sea.example.com/", PurgeUrl, Some(Area::Global)), "InvalidParameter.CdnParamError");
    }

    #[test]
    fn switches_choose_what_a_missing_slash_and_a_star_mean() {
        let with =
            |switches: &Switches, url| parse_as(url, TaskKind::PurgePath, None, switches).map(|target| target.path);
        let prefix = Switches { directory_slash: DirectorySlashRule::Prefix, ..Switches::default() };
        assert_eq!(with(&prefix, "http://www.example.com/dir").unwrap(), "/dir");
        let refuse = Switches { directory_slash: DirectorySlashRule::Refuse, ..Switches::default() };
        assert!(with(&refuse, "http://www.example.com/dir").is_err());
        assert!(with(&refuse, "http://www.example.com/*/").is_ok());
        let star = Switches { star_in_path_refused: true, ..Switches::default() };
        assert!(with(&star, "http://www.example.com/*/").is_err());
    }

    #[test]
    fn url_encode_touches_only_what_is_not_ascii() {
        assert_eq!(percent_encoded("/图 %20?a"), "/%E5%9B%BE %20?a");
    }
}
