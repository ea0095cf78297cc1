//! What is set of the simulated DNS from outside: for a name, what its queries are answered.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What the queries of a name are answered, instead of what the simulated world says by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsRule {
    pub name: String,
    /// One for each query of a record type, in order; the last one stays.
    pub answers: Vec<DnsAnswer>,
    #[serde(default = "ttl_default")]
    pub ttl: u32,
}

const fn ttl_default() -> u32 {
    60
}

impl DnsRule {
    #[must_use]
    pub fn new(name: impl Into<String>, answers: impl IntoIterator<Item = DnsAnswer>) -> Self {
        Self { name: name.into(), answers: answers.into_iter().collect(), ttl: ttl_default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DnsAnswer {
    Addresses {
        addresses: Vec<IpAddr>,
    },
    Cname {
        target: String,
    },
    Nxdomain,
    Servfail,
    /// The query is read and never answered.
    Silence,
    /// The name exists and has no record of the type.
    Empty,
}
