//! Servers in processes of their own, so that neither the load generator's memory nor its runtime is theirs. They log
//! as the daemon does, to nowhere.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use refreshd::api::server::{self, ServerLimits};
use refreshd::api::wire::JobBody;
use refreshd::api::{self, Api, App, Authenticator};
use refreshd::clock::{Clock, SystemClock};
use refreshd::diagnose::DiagnosisInput;
use refreshd::domain::{AccountName, Diagnosis, HostPattern, Routes, TenantName, Token, TokenId};
use refreshd::engine::{EngineStatus, LaneStatuses};
use refreshd::notify::Notifiers;
use refreshd::random::Random;
use refreshd::service::{Diagnose, DiagnosisService, ProbeOverrides, Service, Tokens};
use refreshd::store::Store;
use refreshd::store::sqlite::{NewToken, SqliteStore, TokenFile};
use refreshd::telemetry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{runtime, scale};

/// Says that this process is a child; its role follows.
pub const FLAG: &str = "--child";
const NOTHING: &str = "nothing";
const DATABASE: &str = "refreshd.db";
const DOOR: &str = "door";
const FIRST_CLAIM: &str = "first-claim";
/// The kernel counts work in hundredths of a second (`getconf CLK_TCK`).
const TICK_MILLIS: u64 = 10;

/// A child process, which ends with its owner.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// `Bearer …` for the door.
    pub authorization: Option<String>,
}

impl Server {
    /// Parses what it is sent and stores nothing: the yardstick.
    pub fn nothing() -> Self {
        Self::start(&[NOTHING], None)
    }

    /// The real door with a real file behind it.
    pub fn door(folder: &Path) -> Self {
        let token = runtime().block_on(token(folder));
        Self::start(&[DOOR, folder.to_str().expect("a path in UTF-8")], Some(format!("Bearer {}", token.reveal())))
    }

    /// What the child has worked so far.
    pub fn worked(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name in parentheses may hold anything; the times are the 14th and 15th field.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * TICK_MILLIS)
    }

    fn start(role: &[&str], authorization: Option<String>) -> Self {
        let mut child = spawn(role);
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("an address");
        let address = line.trim().parse().unwrap_or_else(|_| panic!("the child says {line:?}"));
        Self { child, address, authorization }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It keeps nothing that anybody wants.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(role: &[&str]) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .arg(FLAG)
        .args(role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if std::env::var_os("BENCH_STDERR").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .expect("a child")
}

/// Opens a database in a fresh process and claims from it: what the child prints.
pub fn first_claim(database: &Path) -> String {
    let ended = spawn(&[FIRST_CLAIM, database.to_str().expect("a path in UTF-8")]).wait_with_output();
    String::from_utf8(ended.expect("a child that ends").stdout).expect("UTF-8")
}

/// What a child does with its life.
pub fn play(role: &[String]) {
    let _ = telemetry::init(telemetry::LogFormat::Json, telemetry::FILTER_DEFAULT);
    runtime().block_on(async {
        match role {
            [role] if role == NOTHING => {
                let router = Router::new().route("/v1/jobs", post(nothing));
                axum::serve(listen().await, router).await.expect("a server");
            }
            [role, folder] if role == DOOR => {
                let front = door(Path::new(folder)).await;
                let (limits, stop) = (ServerLimits::default(), CancellationToken::new());
                server::serve(listen().await, front, limits, Duration::ZERO, stop).await;
            }
            [role, database] if role == FIRST_CLAIM => scale::claim_first(Path::new(database)).await,
            other => panic!("no such role: {other:?}"),
        }
    });
}

/// Tells the parent where.
async fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    listener
}

async fn nothing(Json(body): Json<JobBody>) -> (StatusCode, String) {
    (StatusCode::ACCEPTED, format!("{{\"targets\":{}}}\n", body.urls.len()))
}

async fn token(folder: &Path) -> Token {
    let token = Token::of(TokenId::from_u64(1), [7; 32]);
    let new = NewToken {
        name: "bench".to_owned(),
        tenant: TenantName::new("shop"),
        scopes: "purge:url read".parse().expect("scopes"),
        weight: 1,
        expires_at: None,
    };
    let mut file = TokenFile::open(&folder.join(DATABASE)).await.expect("a database");
    file.create(&token, &new, SystemClock::default().now()).await.expect("a token");
    file.close().await;
    token
}

/// Nobody asks for a diagnosis here.
struct Nobody;

#[async_trait]
impl Diagnose for Nobody {
    async fn diagnose(&self, _: DiagnosisInput, _: Duration) -> Diagnosis {
        unreachable!("no diagnosis is asked for")
    }
}

async fn door(folder: &Path) -> App {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&folder.join(DATABASE)).await.expect("a database"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let tokens = Tokens::new(store.clone(), clock.clone());
    let mut routes = Routes::default();
    routes.add(HostPattern::Any, AccountName::new("main"));
    let routes = Arc::new(routes);
    let service = Service {
        store,
        routes: routes.clone(),
        lane_statuses: Arc::new(LaneStatuses::default()),
        engine_status: Arc::new(EngineStatus::new(Arc::default(), routes)),
        notifiers: Notifiers::default(),
        clock,
        random: Random::default(),
    };
    let desk = DiagnosisService::new(service.clone(), Arc::new(Nobody), ProbeOverrides::default(), String::new());
    let api = Api {
        diagnoses: Arc::new(desk),
        service,
        authenticator: Authenticator::Tokens(Arc::new(tokens)),
        sandbox_accounts: Arc::new([]),
        draining: CancellationToken::new(),
    };
    api::app(api, Router::new())
}
