//! All integration tests in one binary: one link, one place for what they share.

mod bad_input;
mod changes;
mod client;
mod command_line;
mod demo;
mod engine;
mod finding;
mod fuzz;
mod kill;
mod oncall;
mod power;
mod server;
mod starting;
mod stop;
mod store;
mod support;
mod sweep;
mod tidy;
mod tokens;
mod unwell;
mod walk;
