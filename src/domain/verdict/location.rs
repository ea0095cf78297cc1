//! Where a redirect leads. Relative and absolute forms that mean the same are the same.

use url::Url;

use crate::domain::Target;

/// Where a redirect leads, as seen from the target that it was the answer for. Without fragment; and without query, if the probe
/// left that out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectDestination(Url);

impl RedirectDestination {
    /// None: it is not a URL.
    #[must_use]
    pub fn of(target: &Target, location: &str) -> Option<Self> {
        let base = Url::parse(target.as_str()).ok()?;
        // Probes cut long values off, and leave a query out, with a mark.
        let mut url = base.join(location.trim_end_matches('…').trim_end_matches('?')).ok()?;
        url.set_fragment(None);
        Some(Self(url))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it leads back to the target, also by its http address from https: then the visitor goes in a circle, as far as
    /// one answer can tell. From http to https it does not.
    #[must_use]
    pub fn leads_back_to(&self, target: &Target) -> bool {
        self.as_str() == target.as_str()
            || (self.0.scheme() == "http"
                && target.as_str().starts_with("https:")
                && self.differs_in_scheme_only(target))
    }

    /// The same URL by the other scheme.
    #[must_use]
    pub fn differs_in_scheme_only(&self, target: &Target) -> bool {
        let rest = |text: &str| text.split_once("://").map(|(_, rest)| rest.to_owned());
        self.as_str() != target.as_str() && rest(self.as_str()) == rest(target.as_str())
    }

    /// The same page: scheme, host and path, whatever the query.
    #[must_use]
    pub fn is_same_page(&self, target: &Target) -> bool {
        without_query(self.as_str()) == without_query(target.as_str())
    }

    pub(super) fn is_https_form_of(&self, target: &Target) -> bool {
        let secure = target.as_str().strip_prefix("http://").map(|rest| format!("https://{rest}"));
        secure.is_some_and(|secure| without_query(&secure) == without_query(self.as_str()))
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TargetKind;

    fn target(text: &str) -> Target {
        Target::parse(TargetKind::Url, text).expect("valid")
    }

    #[test]
    fn forms_that_mean_the_same_are_the_same() {
        let target = target("https://h.example/a/b");
        let of = |location| RedirectDestination::of(&target, location).expect("a URL");
        assert_eq!(of("/new"), of("https://h.example/new"));
        assert_eq!(of("c"), of("https://H.EXAMPLE:443/a/c"));
        assert_eq!(of("//h.example/new#top"), of("/new"));
        assert_ne!(of("/new"), of("http://h.example/new"));
        assert_eq!(RedirectDestination::of(&target, "https://["), None);
    }

    #[test]
    fn what_leads_back_is_a_circle_but_for_http_to_https() {
        let back = |from, to| RedirectDestination::of(&target(from), to).expect("a URL").leads_back_to(&target(from));
        assert!(back("https://h.example/a", "/a") && back("https://h.example/a", "http://h.example/a"));
        assert!(!back("http://h.example/a", "https://h.example/a") && !back("https://h.example/a", "/a/"));
        assert!(!back("https://h.example/a", "https://www.h.example/a"));
    }
}
