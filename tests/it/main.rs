//! All integration tests in one binary: one link, one place for what they share.

mod cli;
mod daemon;
mod diagnose;
mod durability;
mod engine;
mod http;
mod jobs;
mod probe;
mod provider;
mod repo_lints;
mod security;
mod simulation;
mod store;
mod support;
mod verify;
