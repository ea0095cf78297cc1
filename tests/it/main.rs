//! All integration tests in one binary: one link, one place for what they share.

mod bad_input;
mod changes;
mod client;
mod command_line;
mod company;
mod corpus;
mod credentials;
mod demo;
mod domains;
mod engine;
mod finding;
mod kill;
mod power;
mod seen;
mod server;
mod signature;
mod starting;
mod stop;
mod store;
mod support;
mod sweep;
mod tidy;
mod tokens;
mod unconfirmed;
mod unwell;
mod walk;
