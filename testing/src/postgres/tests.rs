//! The server itself: it starts, keeps its data over a stop, and never outlives its tests.

use std::{env, net::TcpStream, process};

use super::*;

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn until(what: &str, mut state: impl FnMut() -> bool) {
    let began = Instant::now();
    while !state() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_stops_resumes_with_its_data_and_leaves_nothing() {
    let server = Postgres::start().expect("it starts");
    let (port, folder) = (server.port(), server.folder.clone());
    assert!(answers(port) && server.certificate().exists());
    server.database_named("kept").expect("created");
    server.stop().expect("it stops");
    assert!(!answers(port));
    server.stop().expect("stopping twice is no error");
    server.resume().expect("it starts again");
    let again = server
        .database_named("kept")
        .expect_err("it is there already");
    assert!(again.to_string().contains("already exists"), "{again}");
    drop(server);
    assert!(!answers(port) && !folder.exists());
}

/// This test starts itself once more as another process, which starts a server and is then killed
/// by its own hand.
#[test]
fn no_server_outlives_a_process_that_is_killed() {
    const NOTE: &str = "PROPUSK_TESTING_NOTE";
    if let Some(note) = env::var_os(NOTE) {
        let server = Postgres::start().expect("it starts");
        let text = format!("{}\n{}", server.port(), server.folder.display());
        fs::write(note, text).expect("written");
        process::abort();
    }

    let note = env::temp_dir().join(format!("propusk-note-{}", process::id()));
    let test = "postgres::tests::no_server_outlives_a_process_that_is_killed";
    let ended = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", test])
        .env(NOTE, &note)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(!ended.expect("it ran").success(), "it was killed");
    let text = fs::read_to_string(&note).expect("the other process had a server");
    fs::remove_file(&note).expect("removed");
    let (port, folder) = text.split_once('\n').expect("two lines");
    let port = port.parse().expect("a port");
    until("the server and its folder are gone", || {
        !answers(port) && !Path::new(folder).exists()
    });
}
