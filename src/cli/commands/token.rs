//! `refreshd token`: makes, lists and revokes tokens in the database file, also beside a running daemon.

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use thiserror::Error;

use crate::cli::output::terminal;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, AuthMode, Config, ConfigError, DURATION};
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
    /// Make a token and print it, alone, this once
    #[command(before_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// Show all tokens, without their secrets
    #[command(before_help = LIST_EXAMPLES)]
    List(ListArguments),
    /// Let a token in no more, within a second
    #[command(before_help = REVOKE_EXAMPLES)]
    Revoke(RevokeArguments),
}

#[derive(Debug, Args)]
pub struct CreateArguments {
    /// What the token is for; 1 to 128 characters
    #[arg(value_parser = name)]
    pub name: String,
    /// Whom it speaks for: letters, digits, "-", "_" and ".", at most 64
    #[arg(long, value_name = "T", value_parser = tenant)]
    pub tenant: TenantName,
    /// purge:url, purge:directory, purge:site, prefetch, read (each for some hosts with @HOST or @*.SUFFIX), oncall,
    /// control, diagnose or admin; several times. Without: purge:url purge:directory prefetch read diagnose
    #[arg(long = "scope", value_name = "S")]
    pub scopes: Vec<Scope>,
    /// The tenant's share against others', 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub weight: u32,
    /// Let it in for so long only, such as 90d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub expires: Option<Duration>,
    #[command(flatten)]
    pub file: TokenConfigFile,
}

#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print {"items": [{"id", "name", "tenant", "scopes", "weight", "state", "created_at", …}], "next_cursor": null}
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub file: TokenConfigFile,
}

#[derive(Debug, Args)]
pub struct RevokeArguments {
    /// As token list shows it
    pub id: TokenId,
    #[command(flatten)]
    pub file: TokenConfigFile,
}

#[derive(Debug, Args)]
pub struct TokenConfigFile {
    /// Read instead of /etc/refreshd/refreshd.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
}

/// Runs one of them and tells the exit code: 0; 4 no such token; else as `serve` ends when it does not start.
pub async fn run(command: TokenCommand) -> u8 {
    let ended = match command {
        TokenCommand::Create(arguments) => create(arguments).await,
        TokenCommand::List(arguments) => list(&arguments).await,
        TokenCommand::Revoke(arguments) => revoke(&arguments).await,
    };
    ended.unwrap_or_else(|fault| {
        terminal::note(&error_chain(&fault));
        fault.exit_code()
    })
}

/// Nothing is known by that name; the client commands end so at a 404.
const NO_SUCH_TOKEN: u8 = 4;

/// Why it could not be done.
#[derive(Debug, Error)]
enum TokenCommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the tokens could not be read or written")]
    Store(#[from] StoreError),
    #[error("this machine gives no random bytes ({0})")]
    Chance(String),
    #[error("the answer could not be written")]
    Output(#[from] io::Error),
}

impl TokenCommandError {
    fn exit_code(self) -> u8 {
        match self {
            Self::Config(fault) => StartError::Config(fault).exit_code(),
            Self::Open(fault) => StartError::Open(fault).exit_code(),
            Self::Store(StoreError::Damaged(_)) => 65,
            Self::Store(_) | Self::Chance(_) | Self::Output(_) => 74,
        }
    }
}

async fn create(arguments: CreateArguments) -> Result<u8, TokenCommandError> {
    let config = load(&arguments.file)?;
    let now = SystemClock::default().now();
    let new = NewToken {
        name: arguments.name,
        tenant: arguments.tenant,
        scopes: if arguments.scopes.is_empty() { usual_scopes() } else { arguments.scopes.into_iter().collect() },
        weight: arguments.weight,
        expires_at: arguments.expires.map(|span| now + span),
    };
    let token = draw()?;
    let mut file = TokenFile::open(&config.store.path).await?;
    let created = file.create(&token, &new, now).await;
    file.close().await;
    created?;
    let expiry = new.expires_at.map_or("does not expire".to_owned(), |moment| format!("expires {}", time(moment)));
    terminal::note(&format!(
        "token {} for tenant {}: {}; {expiry}. It is shown this once; a running daemon knows it within a second.",
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

/// What a deployment needs, and no more: not the whole site, and nothing of others.
fn usual_scopes() -> Scopes {
    "purge:url purge:directory prefetch read diagnose".parse().expect("these are scopes")
}

fn draw() -> Result<Token, TokenCommandError> {
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    getrandom::fill(&mut id).map_err(|error| TokenCommandError::Chance(error.to_string()))?;
    getrandom::fill(&mut secret).map_err(|error| TokenCommandError::Chance(error.to_string()))?;
    Ok(Token::of(TokenId::from_u64(u64::from_be_bytes(id)), secret))
}

async fn list(arguments: &ListArguments) -> Result<u8, TokenCommandError> {
    let config = load(&arguments.file)?;
    let tokens = match existing(&config.store.path).await? {
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
    let revocation = match existing(&config.store.path).await? {
        None => Revocation::Unknown,
        Some(mut file) => {
            let revocation = file.revoke(arguments.id, SystemClock::default().now()).await;
            file.close().await;
            revocation?
        }
    };
    let id = arguments.id;
    let (code, text) = match revocation {
        Revocation::Revoked => (0, format!("token {id} is revoked; a running daemon knows it within a second")),
        Revocation::Before => (0, format!("token {id} was revoked before")),
        Revocation::Unknown => (NO_SUCH_TOKEN, format!("there is no token {id} in {}", config.store.path.display())),
    };
    terminal::note(&text);
    Ok(code)
}

fn load(file: &TokenConfigFile) -> Result<Config, ConfigError> {
    Config::load(file.config.as_deref(), config::environment(), provider_limits)
}

/// Looking for tokens makes no database.
async fn existing(path: &Path) -> Result<Option<TokenFile>, OpenError> {
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
        "created_at": time(token.created_at),
        "expires_at": token.expires_at.map(time),
        "revoked_at": token.revoked_at.map(time),
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
    let head = ["ID", "STATE", "TENANT", "NAME", "CREATED", "EXPIRES", "SCOPES"].map(str::to_owned);
    let rows = tokens.iter().map(|token| {
        let expires = token.expires_at.map_or("never".to_owned(), time);
        let (id, tenant) = (token.id.to_string(), token.tenant.to_string());
        let (state, created) = (state(token, now).to_owned(), time(token.created_at));
        [id, state, tenant, token.name.clone(), created, expires, token.scopes.to_string()]
    });
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<String>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// RFC 3339 in UTC, to the second.
fn time(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_second(moment.as_secs()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_string()
}

fn name(text: &str) -> Result<String, String> {
    let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| "1 to 128 characters, none of them a control character".to_owned())
}

fn tenant(text: &str) -> Result<TenantName, String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits.then(|| TenantName::new(text)).ok_or_else(|| "letters, digits, -, _ and ., at most 64 of them".to_owned())
}

fn span(text: &str) -> Result<Duration, String> {
    config::duration(text).ok_or_else(|| DURATION.to_owned())
}
