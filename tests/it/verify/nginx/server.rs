//! An nginx of this test's own: a caching proxy in front of an origin, on free ports of loopback, with all its files in a
//! folder of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Somebody else may take a free port first.
const TRIES_MAX: usize = 5;

/// A cache whose copies live for an hour, and a tier behind it that compresses what it is asked to compress.
pub(super) struct Nginx {
    process: Child,
    folder: TempDir,
    /// Where visitors ask.
    pub(super) edge: SocketAddr,
    behind: SocketAddr,
    origin: SocketAddr,
    /// Further directives of the edge.
    directives: &'static str,
}

impl Nginx {
    pub(super) fn start(origin: SocketAddr, directives: &'static str) -> Self {
        for _ in 0..TRIES_MAX {
            let folder = tempfile::tempdir().expect("a folder");
            let (edge, behind) = free_addresses();
            write_configuration(folder.path(), edge, behind, origin, directives);
            let mut process = run(folder.path());
            if answers(&mut process, edge) {
                return Self { process, folder, edge, behind, origin, directives };
            }
        }
        panic!("nginx did not start {TRIES_MAX} times; what it said stands above");
    }

    /// Forgets all copies, as a cache does that is switched off and on with an empty disk.
    pub(super) fn empty(&mut self) {
        self.stop();
        std::fs::remove_dir_all(self.folder.path().join("copies")).expect("its copies");
        write_configuration(self.folder.path(), self.edge, self.behind, self.origin, self.directives);
        self.process = run(self.folder.path());
        assert!(answers(&mut self.process, self.edge), "nginx did not start again");
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_addresses() -> (SocketAddr, SocketAddr) {
    let taken = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
    let [edge, behind] = taken.map(|listener| listener.local_addr().expect("an address"));
    (edge, behind)
}

/// Plain users of Debian have no sbin in their PATH.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let everywhere = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut programs = everywhere.map(|folder| folder.join("nginx"));
    programs.find(|program| program.is_file()).expect("nginx is needed: apt-get install --no-install-recommends nginx")
}

/// One process, so that its end is the end of it.
fn run(folder: &Path) -> Child {
    let mut command = Command::new(program());
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("nginx starts")
}

/// Whether it serves, or has ended instead.
fn answers(process: &mut Child, at: SocketAddr) -> bool {
    for _ in 0..600 {
        if process.try_wait().expect("its state").is_some() {
            return false;
        }
        if TcpStream::connect(at).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn write_configuration(folder: &Path, edge: SocketAddr, behind: SocketAddr, origin: SocketAddr, directives: &str) {
    let root = folder.display();
    let text = format!(
        r#"
daemon off;
master_process off;
pid {root}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    proxy_cache_path {root}/copies keys_zone=copies:1m;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    server {{
        listen {edge};
        proxy_cache copies;
        proxy_cache_key $scheme$host$request_uri;
        proxy_cache_valid any 1h;
        add_header X-Cache-Status $upstream_cache_status always;
        {directives}
        location / {{ proxy_pass http://{behind}; }}
    }}
    server {{
        listen {behind};
        gzip on;
        gzip_vary on;
        gzip_types *;
        gzip_min_length 1;
        gzip_proxied any;
        location / {{ proxy_pass http://{origin}; }}
    }}
}}
"#
    );
    std::fs::write(folder.join("nginx.conf"), text).expect("a configuration");
}
