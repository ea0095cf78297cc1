//! refreshd makes a CDN serve fresh content. The map is `ARCHITECTURE.md`; each module's head says what it knows.

pub mod api;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod probe;
pub mod provider;
pub mod sandbox;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod wake;
pub mod web;
