//! A diagnosis in the form in which it is told, kept and put into bundles. It only grows: what was kept by an
//! older version is read by a newer one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a refresh failed or had no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiagnosisAnswer {
    pub id: String,
    pub subject: SubjectAnswer,
    /// What was looked at: the URL, a host's home page, or the target of a job that tells most.
    pub target: Option<String>,
    /// Most likely first. None: nothing is wrong as far as could be seen.
    pub causes: Vec<CauseAnswer>,
    /// In the order in which a person would make them.
    pub checks: Vec<CheckAnswer>,
    pub started_at: String,
    pub ended_at: String,
    /// The deadline ended it before all was seen.
    pub cut_short: bool,
}

/// What was asked about: one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectAnswer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

/// What explains the trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CauseAnswer {
    /// A stable word for programs.
    pub id: String,
    /// `certain`, `likely` or `possible`.
    pub confidence: String,
    /// One plain sentence.
    pub summary: String,
    pub action: String,
    /// The checks that it rests on.
    pub checks: Vec<String>,
    /// The checks that speak against it.
    pub against: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckAnswer {
    pub id: String,
    /// `ok`, `warn`, `fail` or `unknown`.
    pub result: String,
    /// Of an unknown one: what kept it from being seen.
    pub seen: String,
    /// What to do next; null if all is well.
    pub action: Option<String>,
    /// How sure the result is: `certain`, `likely` or `possible`.
    pub confidence: String,
    /// The cause that it stands for if it did not pass.
    pub cause: Option<String>,
    /// The page of the provider's documentation that tells more, by its name.
    pub page: Option<String>,
}

/// All that is kept of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosisRecord {
    #[serde(rename = "told")]
    pub answer: DiagnosisAnswer,
    pub evidence: Vec<StoredAttachment>,
    /// The job that was looked into, also where a URL alone was asked about.
    #[serde(default)]
    pub job: Option<String>,
}

/// A small text file for a support ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAttachment {
    pub name: String,
    pub text: String,
}

impl DiagnosisAnswer {
    /// Where no cause was found: the first check that did not pass, which may be the trouble all the same.
    #[must_use]
    pub fn first_warning(&self) -> Option<&CheckAnswer> {
        let is_passed = |check: &&CheckAnswer| !["ok", "unknown"].contains(&check.result.as_str());
        self.checks.iter().find(is_passed).filter(|_| self.causes.is_empty())
    }
}
