//! Servers in processes of their own, so that neither the load generator's memory nor its runtime is theirs. They log
//! as the daemon does, to nowhere.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use refreshd::api::wire::JobBody;
use refreshd::api::{self, Api, Door};
use refreshd::clock::SystemClock;
use refreshd::domain::{AccountName, HostPattern, Routes};
use refreshd::engine::Board;
use refreshd::service::Service;
use refreshd::store::sqlite::SqliteStore;
use refreshd::telemetry;
use refreshd::wake::Wakes;
use tokio_util::sync::CancellationToken;

use crate::{runtime, scale};

/// Says that this process is a child; its role follows.
pub const FLAG: &str = "--child";
const NOTHING: &str = "nothing";
const DOOR: &str = "door";
const FIRST_CLAIM: &str = "first-claim";

/// A child process, which ends with its owner.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Parses what it is sent and stores nothing: the yardstick.
    pub fn nothing() -> Self {
        Self::start(&[NOTHING])
    }

    /// The real door with a real file behind it.
    pub fn door(folder: &Path) -> Self {
        Self::start(&[DOOR, folder.to_str().expect("a path in UTF-8")])
    }

    fn start(role: &[&str]) -> Self {
        let mut child = spawn(role);
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("an address");
        let address = line.trim().parse().unwrap_or_else(|_| panic!("the child says {line:?}"));
        Self { child, address }
    }

    /// `Bearer …` for the door. It is open for now; here a token comes in when there are tokens.
    pub const fn authorization() -> Option<String> {
        None
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
    let _ = telemetry::init(telemetry::Format::Json, telemetry::FILTER_DEFAULT);
    runtime().block_on(async {
        match role {
            [role] if role == NOTHING => serve(Router::new().route("/v1/jobs", post(nothing))).await,
            [role, folder] if role == DOOR => serve(door(Path::new(folder)).await).await,
            [role, database] if role == FIRST_CLAIM => scale::claim_first(Path::new(database)).await,
            other => panic!("no such role: {other:?}"),
        }
    });
}

/// Served as the daemon serves.
async fn serve(router: Router) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    axum::serve(listener, router).await.expect("a server");
}

async fn nothing(Json(body): Json<JobBody>) -> (StatusCode, String) {
    (StatusCode::ACCEPTED, format!("{{\"targets\":{}}}\n", body.urls.len()))
}

async fn door(folder: &Path) -> Router {
    let store = SqliteStore::open(&folder.join("refreshd.db")).await.expect("a database");
    let mut routes = Routes::default();
    routes.add(HostPattern::Any, AccountName::new("main"));
    let service = Service {
        store: Arc::new(store),
        routes: Arc::new(routes),
        board: Arc::new(Board::default()),
        wakes: Wakes::default(),
        clock: Arc::new(SystemClock),
    };
    let api = Api { service, door: Door::Open, sandbox_accounts: Arc::new([]), draining: CancellationToken::new() };
    api::router(api, Router::new())
}
