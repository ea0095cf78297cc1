//! A scenario as its file writes it (tests/scenarios/*.toml): what is wrong in a simulated world, and what a diagnosis has
//! to name first.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Config, File, FileFormat};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// What has happened, in a sentence.
    pub(super) title: String,
    /// The cause; two for two faults at once; none for a healthy world.
    pub(super) truth: Vec<String>,
    /// What `refreshd diagnose` is asked about: a URL, a host, or `job` for the last one that was sent.
    pub(super) diagnose: String,
    /// What the verification of the last job may end as. Empty: it is not looked at.
    #[serde(default)]
    pub(super) verdict: Vec<String>,
    /// What the text for people has in it, apart from where its lines break.
    #[serde(default)]
    pub(super) says: Vec<String>,
    /// What it has not.
    #[serde(default)]
    pub(super) never_says: Vec<String>,
    /// The origin has two machines at ports 80 and 443 of `{machine_1}` and `{machine_2}`, if this machine lets them.
    #[serde(default)]
    pub(super) machines: bool,
    /// How refreshd finds the edge.
    #[serde(default)]
    pub(super) edge: Way,
    /// Further lines of the daemon's configuration.
    #[serde(default)]
    pub(super) settings: String,
    /// Instead of the account's own.
    pub(super) secret_id: Option<String>,
    pub(super) secret_key: Option<String>,
    /// Before the daemon starts.
    #[serde(default)]
    pub(super) before: Vec<Step>,
    /// After it has.
    #[serde(default)]
    pub(super) steps: Vec<Step>,
}

impl Scenario {
    /// Whether it says something of the text for people.
    pub(super) const fn is_read(&self) -> bool {
        !self.says.is_empty() || !self.never_says.is_empty()
    }

    /// What is wrong with the words of a diagnosis.
    pub(super) fn wrong_words(&self, text: &str) -> Vec<String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let missing = self.says.iter().filter(|words| !text.contains(words.as_str()));
        let unwanted = self.never_says.iter().filter(|words| text.contains(words.as_str()));
        let missing = missing.map(|words| format!("the text does not say {words:?}"));
        missing.chain(unwanted.map(|words| format!("the text says {words:?}"))).collect()
    }

    pub(super) const fn needs_web_ports(&self) -> bool {
        self.machines || matches!(self.edge, Way::Nodes)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Way {
    /// By `probe.edges`, at its HTTPS port.
    #[default]
    Tls,
    /// By `probe.edges`, at its HTTP port.
    Plain,
    /// By DNS, as a visitor: at port 80 or 443, where nothing listens.
    Dns,
    /// By DNS, as a visitor: at two nodes that listen at 80 and 443, if this machine lets them.
    Nodes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Step {
    /// `PUT /control/…` of the sandbox.
    Put { put: String, body: Value },
    /// `DELETE /control/…` of the sandbox.
    Delete { delete: String, body: Value },
    /// A visitor's GET at the edge, or at its node 1 or 2.
    Visit {
        visit: String,
        area: Option<String>,
        node: Option<usize>,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// `POST /v1/jobs`, until the job's status or what it waits for is this.
    Job { job: Value, until: String },
    /// Another POST to the daemon; `{job}` is the last job, `{lane}` the first lane.
    Post { post: String, body: Value },
}

/// Reads a file, in which `places` stand for addresses that are known only now.
pub(super) fn read(path: &Path, places: &[(&str, String)]) -> Scenario {
    let name = path.display();
    let mut text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    for (place, address) in places {
        text = text.replace(place, address);
    }
    let read = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
    read.and_then(Config::try_deserialize).unwrap_or_else(|error| panic!("{name}: {error}"))
}
