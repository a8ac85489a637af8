//! The folder of a server: its data, its settings, its certificate, and what it says of itself.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    Postgres,
    programs::{Programs, run},
};

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 16MB
fsync = off
full_page_writes = off
ssl = on
ssl_cert_file = '../certificate.pem'
ssl_key_file = '../key.pem'
";

/// The certificate signs itself and is no authority, which is what a certificate pinned with
/// `sslrootcert` looks like.
const CERTIFICATE: &str = "
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost, IP:127.0.0.1
";

/// Makes the folder, which belongs to the server's user.
pub(super) fn create(programs: &Programs) -> io::Result<PathBuf> {
    let folder = tempfile::Builder::new()
        .prefix("propusk-postgres-")
        .tempdir()?
        .keep();
    programs.give(&folder)?;
    Ok(folder)
}

/// Fills the folder.
pub(super) fn initialise(programs: &Programs, folder: &Path) -> io::Result<()> {
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::write(&path, content)?;
        programs.give(&path).map(|()| path)
    };
    let data = folder.join("data");
    let password = write("password", Postgres::PASSWORD)?;
    let mut initdb = programs.as_server_user(programs.path("initdb"));
    initdb
        .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
        .args(["--no-sync", "--no-instructions"])
        .arg(format!("--username={}", Postgres::USER))
        .arg(format!("--pwfile={}", password.display()))
        .arg(format!("--pgdata={}", data.display()));
    run(&mut initdb)?;
    let settings = fs::read_to_string(data.join("postgresql.conf"))?;
    fs::write(data.join("postgresql.conf"), settings + SETTINGS)?;
    let access = format!(
        "hostnossl {} all 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n",
        Postgres::TLS_ONLY
    );
    fs::write(data.join("pg_hba.conf"), access)?;
    let request = write("certificate.conf", CERTIFICATE)?;
    let mut openssl = programs.as_server_user("openssl");
    openssl
        .args(["req", "-x509", "-nodes", "-days", "3650", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-config"])
        .arg(request)
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(certificate(folder));
    run(&mut openssl).map(drop)
}

pub(super) fn certificate(folder: &Path) -> PathBuf {
    folder.join("certificate.pem")
}

/// A port that is free now. Outside the range from which operating systems take ports for outgoing
/// connections, so that it stays free while the server is stopped.
pub(super) fn free_port() -> io::Result<u16> {
    let mut last = io::Error::other("no port tried");
    for _ in 0..100 {
        // A hasher of the standard library begins with a random state.
        let random = RandomState::new().hash_one("port");
        let port = 20_000 + (random % 12_000) as u16;
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Waits until the server says in its lock file that it takes connections.
///
/// Fails with [`io::ErrorKind::AddrInUse`] where the port is taken.
pub(super) fn wait_until_ready(folder: &Path, patience: Duration) -> io::Result<()> {
    // The eighth line: <https://www.postgresql.org/docs/current/storage-file-layout.html>.
    const STATUS: usize = 7;
    let began = Instant::now();
    loop {
        let lock = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if lock.lines().nth(STATUS).map(str::trim) == Some("ready") {
            return Ok(());
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("could not bind") {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, log));
        }
        if log.contains("FATAL:") || began.elapsed() > patience {
            return Err(io::Error::other(format!(
                "PostgreSQL does not start: {log}"
            )));
        }
        thread::sleep(Duration::from_millis(5));
    }
}
