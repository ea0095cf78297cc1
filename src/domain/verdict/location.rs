//! Where a redirect leads. Relative and absolute forms that mean the same are the same.

use url::Url;

use crate::domain::Target;

/// A redirect's goal, as seen from the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination(String);

impl Destination {
    /// None: it is not a URL.
    pub(super) fn of(target: &Target, location: &str) -> Option<Self> {
        let base = Url::parse(target.as_str()).ok()?;
        // Probes cut long values off, and leave a query out, with a mark.
        let mut url = base.join(location.trim_end_matches('…').trim_end_matches('?')).ok()?;
        url.set_fragment(None);
        Some(Self(url.into()))
    }

    /// Whether it leads back to the target, also by its http address from https: then the visitor goes in a circle, as far as
    /// one answer can tell. From http to https it does not.
    pub(super) fn leads_back_to(&self, target: &Target) -> bool {
        let Ok(own) = Url::parse(target.as_str()) else { return false };
        let rest = |text: &str| text.split_once("://").map(|(_, rest)| rest.to_owned());
        self.0 == own.as_str()
            || (own.scheme() == "https" && self.0.starts_with("http:") && rest(&self.0) == rest(own.as_str()))
    }

    pub(super) fn is_https_form_of(&self, target: &Target) -> bool {
        let secure = target.as_str().strip_prefix("http://").map(|rest| format!("https://{rest}"));
        let path = |text: &str| text.split('?').next().map(str::to_owned);
        secure.is_some_and(|secure| path(&secure) == path(&self.0))
    }
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
        let of = |location| Destination::of(&target, location).expect("a URL");
        assert_eq!(of("/new"), of("https://h.example/new"));
        assert_eq!(of("c"), of("https://H.EXAMPLE:443/a/c"));
        assert_eq!(of("//h.example/new#top"), of("/new"));
        assert_ne!(of("/new"), of("http://h.example/new"));
        assert_eq!(Destination::of(&target, "https://["), None);
    }

    #[test]
    fn what_leads_back_is_a_circle_but_for_http_to_https() {
        let back = |from, to| Destination::of(&target(from), to).expect("a URL").leads_back_to(&target(from));
        assert!(back("https://h.example/a", "/a") && back("https://h.example/a", "http://h.example/a"));
        assert!(!back("http://h.example/a", "https://h.example/a") && !back("https://h.example/a", "/a/"));
        assert!(!back("https://h.example/a", "https://www.h.example/a"));
    }
}
