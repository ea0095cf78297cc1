//! The configuration in force, as the rest of the program reads it: one struct for each section.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;

use super::account::AccountConfig;
use crate::domain::{AccountName, Promotion, Routes, TenantName};

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: ServerConfig,
    pub store: StoreConfig,
    pub auth: AuthMode,
    pub accounts: BTreeMap<AccountName, AccountConfig>,
    pub routes: Routes,
    pub engine: EngineConfig,
    pub quota: QuotaConfig,
    pub promote: Promotion,
    pub verify: VerifyConfig,
    pub idempotency: IdempotencyConfig,
    pub probe: ProbeConfig,
    pub patrol: MonitorConfig,
    pub metrics: MetricsConfig,
    /// What is allowed but probably a mistake; logged once at start.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: SocketAddr,
}

#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The database file; relative to the working folder unless absolute.
    pub path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    Tokens,
    /// No token is needed. Only allowed on a loopback address.
    Open,
}

#[derive(Debug, Clone)]
pub struct EngineConfig {
    pub poll_first: Duration,
    pub poll_max: Duration,
    pub listing_grace: Duration,
    pub task_max_purge: Duration,
    pub task_max_prefetch: Duration,
}

#[derive(Debug, Clone)]
pub struct QuotaConfig {
    /// In `0.0..1.0`.
    pub reserve: f64,
    /// Above 0, at most 1.
    pub shares: BTreeMap<TenantName, f64>,
}

#[derive(Debug, Clone)]
pub struct VerifyConfig {
    pub deadline: Duration,
    pub grace: Duration,
    /// At least 1.
    pub sample: u32,
    pub repurge: bool,
    /// No host has an empty list.
    pub edges: BTreeMap<String, Vec<SocketAddr>>,
    /// For each host, paths that form valid targets with it.
    pub directories: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone)]
pub struct IdempotencyConfig {
    pub keep: Duration,
}

/// Hosts are in the normal form that targets have.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    pub allow: Vec<IpNet>,
    /// Empty: those of this machine.
    pub resolver: Vec<SocketAddr>,
    pub ca_file: Option<CaFile>,
    pub edges: BTreeMap<String, SocketAddr>,
    pub origins: BTreeMap<String, SocketAddr>,
}

/// Additional trusted root certificates, read once.
#[derive(Debug, Clone)]
pub struct CaFile {
    pub path: PathBuf,
    pub roots: Vec<CertificateDer<'static>>,
}

#[derive(Debug, Clone)]
pub struct MonitorConfig {
    pub every: Duration,
}

#[derive(Debug, Clone)]
pub struct MetricsConfig {
    pub listen: Option<SocketAddr>,
}
