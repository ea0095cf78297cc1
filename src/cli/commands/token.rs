//! `refreshd token`: creates, lists and revokes tokens in the database file; a daemon may be running.

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use thiserror::Error;

use crate::cli::arg_values::{ConfigFile, parse_duration};
use crate::cli::output::terminal;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, AuthMode, Config, ConfigError};
use crate::daemon::{StartError, provider_limits};
use crate::domain::{Scope, Scopes, TenantName, Timestamp, Token, TokenId};
use crate::store::sqlite::{NewToken, OpenError, TokenFile};
use crate::store::{Revocation, StoreError, TokenRecord};
use crate::telemetry::error_chain;

pub(crate) const EXAMPLES: &str = "\
Examples:
  refreshd token create deploy --tenant shop > token
  refreshd token list
  refreshd token revoke 0123456789abcdef";

const CREATE_EXAMPLES: &str = "\
Examples:
  refreshd token create deploy --tenant shop > token
  refreshd token create img --tenant shop --scope purge:url@*.example.com --scope read --expires 90d
  refreshd token create pager --tenant ops --scope read --scope oncall --scope control";

const LIST_EXAMPLES: &str = "\
Examples:
  refreshd token list
  refreshd token list --json | jq -r '.items[] | select(.state == \"active\") | .id'";

const REVOKE_EXAMPLES: &str = "\
Examples:
  refreshd token revoke 0123456789abcdef";

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Create a token and print it; it cannot be shown again
    #[command(before_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// List all tokens, without their secrets
    #[command(before_help = LIST_EXAMPLES)]
    List(ListArguments),
    /// Revoke a token; a running daemon refuses it within a second
    #[command(before_help = REVOKE_EXAMPLES)]
    Revoke(RevokeArguments),
}

#[derive(Debug, Args)]
pub struct CreateArguments {
    /// What the token is for; 1 to 128 characters
    #[arg(value_parser = parse_name)]
    pub name: String,
    /// The tenant that its requests belong to: letters, digits, "-", "_" and ".", at most 64
    #[arg(long, value_name = "T", value_parser = parse_tenant)]
    pub tenant: TenantName,
    /// purge:url, purge:directory, purge:site, prefetch, read (each limited to hosts by @HOST or @*.SUFFIX), oncall,
    /// control, diagnose or admin; may be repeated. Without it: purge:url purge:directory prefetch read diagnose
    #[arg(long = "scope", value_name = "S")]
    pub scopes: Vec<Scope>,
    /// The tenant's share of the work relative to other tenants, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub weight: u32,
    /// How long the token is valid, such as 90d; without it, for ever
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub expires: Option<Duration>,
    #[command(flatten)]
    pub file: ConfigFile,
}

#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print {"items": [{"id", "name", "tenant", "scopes", "weight", "state", "created_at", …}], "next_cursor": null}
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub file: ConfigFile,
}

#[derive(Debug, Args)]
pub struct RevokeArguments {
    /// The id that token list shows
    pub id: TokenId,
    #[command(flatten)]
    pub file: ConfigFile,
}

/// Returns the exit code: 0; 4 if there is no such token; else the code of `serve` for the same error.
pub async fn run(command: TokenCommand) -> u8 {
    let result = match command {
        TokenCommand::Create(arguments) => create(arguments).await,
        TokenCommand::List(arguments) => list(&arguments).await,
        TokenCommand::Revoke(arguments) => revoke(&arguments).await,
    };
    result.unwrap_or_else(|error| {
        terminal::note(&error_chain(&error));
        error.exit_code()
    })
}

/// The code of the client commands at a 404.
const NO_SUCH_TOKEN: u8 = 4;

/// Why a token command failed.
#[derive(Debug, Error)]
enum TokenCommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the tokens could not be read or written")]
    Store(#[from] StoreError),
    #[error("this machine gives no random bytes ({0})")]
    Random(String),
    #[error("the answer could not be written")]
    Output(#[from] io::Error),
}

impl TokenCommandError {
    fn exit_code(self) -> u8 {
        match self {
            Self::Config(error) => StartError::Config(error).exit_code(),
            Self::Open(error) => StartError::Open(error).exit_code(),
            Self::Store(StoreError::Damaged(_)) => 65,
            Self::Store(_) | Self::Random(_) | Self::Output(_) => 74,
        }
    }
}

async fn create(arguments: CreateArguments) -> Result<u8, TokenCommandError> {
    let config = load(&arguments.file)?;
    let now = SystemClock::default().now();
    let new = NewToken {
        name: arguments.name,
        tenant: arguments.tenant,
        scopes: if arguments.scopes.is_empty() { default_scopes() } else { arguments.scopes.into_iter().collect() },
        weight: arguments.weight,
        expires_at: arguments.expires.map(|duration| now + duration),
    };
    let token = generate_token()?;
    let mut file = TokenFile::open(&config.store.path).await?;
    let created = file.create(&token, &new, now).await;
    file.close().await;
    created?;
    let expiry = new.expires_at.map_or("does not expire".to_owned(), |moment| format!("expires {}", time_text(moment)));
    terminal::note(&format!(
        "token {} for tenant {}: {}; {expiry}. It cannot be shown again; a running daemon accepts it within a second.",
        token.id(),
        new.tenant,
        new.scopes
    ));
    if config.auth == AuthMode::Open {
        terminal::note("auth.mode is \"open\" in this configuration: its daemon asks for no token");
    }
    terminal::print(&format!("{}\n", token.reveal()))?;
    Ok(0)
}

/// What a deployment needs: not the whole site, and nothing of other tenants.
fn default_scopes() -> Scopes {
    "purge:url purge:directory prefetch read diagnose".parse().expect("these are scopes")
}

fn generate_token() -> Result<Token, TokenCommandError> {
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    getrandom::fill(&mut id).map_err(|error| TokenCommandError::Random(error.to_string()))?;
    getrandom::fill(&mut secret).map_err(|error| TokenCommandError::Random(error.to_string()))?;
    Ok(Token::of(TokenId::from_u64(u64::from_be_bytes(id)), secret))
}

async fn list(arguments: &ListArguments) -> Result<u8, TokenCommandError> {
    let config = load(&arguments.file)?;
    let tokens = match open_existing(&config.store.path).await? {
        None => Vec::new(),
        Some(mut file) => {
            let tokens = file.all().await;
            file.close().await;
            tokens?
        }
    };
    let now = SystemClock::default().now();
    if arguments.json {
        let items: Vec<serde_json::Value> = tokens.iter().map(|token| token_json(token, now)).collect();
        terminal::print_json(&json!({ "items": items, "next_cursor": null }))?;
    } else {
        terminal::print(&table(&tokens, now))?;
    }
    Ok(0)
}

async fn revoke(arguments: &RevokeArguments) -> Result<u8, TokenCommandError> {
    let config = load(&arguments.file)?;
    let revocation = match open_existing(&config.store.path).await? {
        None => Revocation::Unknown,
        Some(mut file) => {
            let revocation = file.revoke(arguments.id, SystemClock::default().now()).await;
            file.close().await;
            revocation?
        }
    };
    let id = arguments.id;
    let (code, text) = match revocation {
        Revocation::Revoked => (0, format!("token {id} is revoked; a running daemon refuses it within a second")),
        Revocation::Before => (0, format!("token {id} was revoked before")),
        Revocation::Unknown => (NO_SUCH_TOKEN, format!("there is no token {id} in {}", config.store.path.display())),
    };
    terminal::note(&text);
    Ok(code)
}

fn load(file: &ConfigFile) -> Result<Config, ConfigError> {
    Config::load(file.config.as_deref(), config::environment(), provider_limits)
}

/// `None` if there is no database: listing and revoking create none.
async fn open_existing(path: &Path) -> Result<Option<TokenFile>, OpenError> {
    if !path.exists() {
        terminal::note(&format!("there is no database at {} yet", path.display()));
        return Ok(None);
    }
    TokenFile::open(path).await.map(Some)
}

fn token_json(token: &TokenRecord, now: Timestamp) -> serde_json::Value {
    json!({
        "id": token.id.to_string(),
        "name": token.name,
        "tenant": token.tenant.as_str(),
        "scopes": token.scopes.iter().map(ToString::to_string).collect::<Vec<String>>(),
        "weight": token.weight,
        "state": state(token, now),
        "created_at": time_text(token.created_at),
        "expires_at": token.expires_at.map(time_text),
        "revoked_at": token.revoked_at.map(time_text),
    })
}

fn state(token: &TokenRecord, now: Timestamp) -> &'static str {
    match token.revoked_at {
        Some(_) => "revoked",
        None if token.is_expired(now) => "expired",
        None => "active",
    }
}

fn table(tokens: &[TokenRecord], now: Timestamp) -> String {
    let header = ["ID", "STATE", "TENANT", "NAME", "CREATED", "EXPIRES", "SCOPES"].map(str::to_owned);
    let rows = tokens.iter().map(|token| {
        let expires = token.expires_at.map_or("never".to_owned(), time_text);
        let (id, tenant) = (token.id.to_string(), token.tenant.to_string());
        let (state, created) = (state(token, now).to_owned(), time_text(token.created_at));
        [id, state, tenant, token.name.clone(), created, expires, token.scopes.to_string()]
    });
    let rows: Vec<[String; 7]> = std::iter::once(header).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<String>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// RFC 3339 in UTC, to the second.
fn time_text(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(moment.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_string()
}

fn parse_name(text: &str) -> Result<String, String> {
    let valid = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    valid
        .then(|| text.to_owned())
        .ok_or_else(|| "expected 1 to 128 characters, none of them a control character".to_owned())
}

fn parse_tenant(text: &str) -> Result<TenantName, String> {
    let valid = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    valid.then(|| TenantName::new(text)).ok_or_else(|| "expected letters, digits, -, _ and ., at most 64".to_owned())
}
