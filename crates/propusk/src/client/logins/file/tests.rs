//! Behaviour that a folder shows from outside.

use std::{os::unix::fs::PermissionsExt, process::Command, sync::Arc};

use tempfile::TempDir;

use super::{super::test_logins::login, *};

struct Place {
    root: TempDir,
    store: FileLogins,
}

impl Place {
    fn new() -> Self {
        let root = TempDir::new().expect("a folder");
        let store = FileLogins::new(root.path().join("propusk/logins"));
        Self { root, store }
    }

    /// With the login `a` in it.
    async fn with_login() -> Self {
        let place = Self::new();
        place.store.save(&login("a")).await.expect("saved");
        place
    }

    fn file(&self) -> PathBuf {
        self.store.file(login("a").key())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store.folder()).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort_unstable();
        names
    }

    async fn load(&self) -> Result<Option<Login>, LoginStoreError> {
        self.store.load(login("a").key()).await
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[tokio::test]
async fn a_login_is_kept_replaced_and_forgotten() {
    let place = Place::new();
    assert!(place.load().await.expect("nothing").is_none());
    assert!(place.store.list().await.expect("nothing").is_empty());
    assert!(!place.store.remove(login("a").key()).await.expect("nothing"));
    assert!(!place.store.folder().exists(), "reading makes no folder");

    for account in ["b", "a"] {
        place.store.save(&login(account)).await.expect("saved");
    }
    let newer = login("a").with_refresh_token(Some("newer".to_owned()));
    place.store.save(&newer).await.expect("saved");
    let found = place.load().await.expect("readable").expect("there");
    assert_eq!(found.expose_refresh_token(), Some("newer"));
    let keys = place.store.list().await.expect("readable");
    assert_eq!(keys, [login("a").key().clone(), login("b").key().clone()]);

    assert!(place.store.remove(login("a").key()).await.expect("removed"));
    assert!(place.load().await.expect("nothing").is_none());
    assert_eq!(place.names().len(), 1, "nothing but the other login");
}

#[tokio::test]
async fn folder_and_files_are_for_their_owner_alone() {
    let place = Place::with_login().await;
    drop(place.store.lock(login("a").key()).await.expect("free"));
    assert_eq!(mode(place.store.folder()), 0o700);
    assert_eq!(mode(&place.file()), 0o600);
    assert_eq!(mode(&place.file().with_extension("lock")), 0o600);
}

#[tokio::test]
async fn what_others_could_read_or_change_is_refused() {
    type Spoil = fn(&Place);
    let rows: [(&str, Spoil); 9] = [
        ("chmod go= ", |place| set_mode(&place.file(), 0o640)),
        ("chmod go= ", |place| set_mode(&place.file(), 0o602)),
        ("chmod go-w ", |place| set_mode(place.store.folder(), 0o770)),
        ("chmod go-w ", |place| {
            set_mode(place.store.folder(), 0o1777);
        }),
        ("a symbolic link", |place| {
            let elsewhere = place.root.path().join("elsewhere");
            fs::rename(place.file(), &elsewhere).expect("moved");
            std::os::unix::fs::symlink(elsewhere, place.file()).expect("linked");
        }),
        ("a symbolic link", |place| {
            fs::remove_file(place.file()).expect("removed");
            std::os::unix::fs::symlink("/nowhere", place.file()).expect("linked");
        }),
        ("a symbolic link", |place| {
            let elsewhere = place.root.path().join("elsewhere");
            fs::rename(place.store.folder(), &elsewhere).expect("moved");
            std::os::unix::fs::symlink(elsewhere, place.store.folder()).expect("linked");
        }),
        ("is not a file", |place| {
            fs::remove_file(place.file()).expect("removed");
            let made = Command::new("mkfifo")
                .arg("-m600")
                .arg(place.file())
                .status();
            assert!(made.expect("mkfifo runs").success());
        }),
        ("is not a file", |place| {
            fs::remove_file(place.file()).expect("removed");
            fs::create_dir(place.file()).expect("made");
        }),
    ];
    for (words, spoil) in rows {
        let place = Place::with_login().await;
        spoil(&place);
        let error = place.load().await.expect_err(words);
        assert_eq!(error.kind(), LoginStoreErrorKind::Exposed, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let folder = place.store.folder().display().to_string();
        assert!(error.to_string().contains(&folder), "{error}");
    }
}

#[tokio::test]
async fn a_lock_that_others_could_hold_is_refused() {
    let place = Place::with_login().await;
    let lock = place.file().with_extension("lock");
    fs::write(&lock, "").expect("written");
    set_mode(&lock, 0o666);
    let error = place
        .store
        .lock(login("a").key())
        .await
        .expect_err("open to others");
    assert_eq!(error.kind(), LoginStoreErrorKind::Exposed, "{error}");
    fs::remove_file(&lock).expect("removed");
    std::os::unix::fs::symlink(place.root.path().join("made"), &lock).expect("linked");
    let error = place
        .store
        .lock(login("a").key())
        .await
        .expect_err("a link");
    assert_eq!(error.kind(), LoginStoreErrorKind::Exposed, "{error}");
    assert!(
        !place.root.path().join("made").exists(),
        "nothing was made through the link"
    );
}

#[tokio::test]
async fn a_file_of_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a file away; as anybody else, /etc/passwd is not ours already.
        let store = FileLogins::new("/etc");
        let error = store.list().await.expect_err("of root");
        assert!(error.to_string().contains("another user"), "{error}");
        return;
    }
    for of_folder in [false, true] {
        let place = Place::with_login().await;
        let file = place.file();
        let spoiled = if of_folder {
            place.store.folder()
        } else {
            &file
        };
        std::os::unix::fs::chown(spoiled, Some(1), None).expect("root may");
        let error = place.load().await.expect_err("of another user");
        assert_eq!(error.kind(), LoginStoreErrorKind::Exposed, "{error}");
        assert!(error.to_string().contains("another user"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_or_newer_file_is_named_and_left_alone() {
    for (text, words) in [
        ("", "is damaged"),
        ("{", "is damaged"),
        (r#"{"version":2}"#, "newer version"),
    ] {
        let place = Place::with_login().await;
        fs::write(place.file(), text).expect("written");
        let error = place.load().await.expect_err(text);
        assert_eq!(error.kind(), LoginStoreErrorKind::Unreadable, "{error}");
        for word in [words, &place.file().display().to_string(), "sign in again"] {
            assert!(error.to_string().contains(word), "{error}");
        }
        place
            .store
            .save(&login("b"))
            .await
            .expect("the other one is fine");
        assert_eq!(
            place.store.list().await.expect("listed"),
            [login("b").key().clone()]
        );
        assert_eq!(fs::read_to_string(place.file()).expect("still there"), text);
        // A new login, or a sign-out, is the way out.
        assert!(place.store.remove(login("a").key()).await.expect("removed"));
    }
    let place = Place::with_login().await;
    fs::write(place.file(), vec![b' '; record::LONGEST + 1]).expect("written");
    assert!(place.load().await.is_err(), "too large to be read");
}

/// A process that died while it wrote leaves a file of any length beside the login.
#[tokio::test]
async fn what_a_dead_writer_left_harms_nobody_and_goes() {
    let place = Place::with_login().await;
    let whole = fs::read(place.file()).expect("readable");
    for length in [0, 1, whole.len() / 2, whole.len()] {
        let left = place.file().with_extension(format!("{length:016x}.new"));
        fs::write(&left, &whole[..length]).expect("written");
    }
    let other = place.store.file(login("b").key()).with_extension("0.new");
    fs::write(&other, "").expect("written");
    assert!(place.load().await.expect("readable").is_some());
    assert_eq!(place.store.list().await.expect("listed").len(), 1);
    place
        .store
        .save(&login("a"))
        .await
        .expect("saved beside them");
    drop(place.store.lock(login("a").key()).await.expect("free"));
    let left = place.names();
    let left: Vec<_> = left.iter().filter(|name| name.ends_with(".new")).collect();
    assert_eq!(
        left.len(),
        1,
        "of the other login, whose lock nobody took: {left:?}"
    );
    assert!(other.exists());
}

#[tokio::test]
async fn where_nothing_can_be_written_the_old_login_stays() {
    let place = Place::with_login().await;
    let old = fs::read(place.file()).expect("readable");
    let folder = place.store.folder().to_owned();
    let blocked = place.file();
    // A folder cannot be replaced by a file, not even by root, whom no mode stops.
    fs::rename(&blocked, folder.join("kept")).expect("moved");
    fs::create_dir_all(blocked.join("in the way")).expect("made");
    let error = place.store.save(&login("a")).await.expect_err("in the way");
    assert_eq!(error.kind(), LoginStoreErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert!(
        place.names().iter().all(|name| !name.ends_with(".new")),
        "cleaned up"
    );
    assert_eq!(fs::read(folder.join("kept")).expect("readable"), old);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_old_or_the_new_login_and_nothing_between() {
    let place = Place::with_login().await;
    let store = Arc::new(place.store.clone());
    let writers = ["1", "2"].map(|name| {
        let (store, name) = (Arc::clone(&store), name.repeat(20_000));
        tokio::spawn(async move {
            for _ in 0..30 {
                let login = login("a").with_refresh_token(Some(name.clone()));
                store.save(&login).await.expect("saved");
            }
        })
    });
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let found = place.load().await.expect("whole").expect("always there");
        let token = found.expose_refresh_token().expect("a token");
        let whole = ["1", "2"].iter().any(|name| token == name.repeat(20_000));
        assert!(whole || token == "refresh-a");
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(place.names().len(), 1, "no traces of the writers");
}

#[tokio::test]
async fn one_holds_the_lock_and_others_wait_for_as_long_as_they_want() {
    let place = Place::new();
    let first = place.store.lock(login("a").key()).await.expect("free");
    drop(
        place
            .store
            .lock(login("b").key())
            .await
            .expect("another login"),
    );
    let impatient = place.store.clone().lock_timeout(Duration::from_millis(50));
    let error = impatient.lock(login("a").key()).await.expect_err("held");
    assert_eq!(error.kind(), LoginStoreErrorKind::Busy, "{error}");
    let login = login("a");
    let waiting = place.store.lock(login.key());
    drop(first);
    // The one that gave up is in the queue still, and lets go as soon as it gets the lock.
    drop(waiting.await.expect("free again"));
}

/// Whoever removed the folder of logins while somebody waited for a lock: the lock of a file that
/// is no longer there keeps nobody out.
#[tokio::test]
async fn a_lock_that_was_removed_is_not_held() {
    let place = Place::new();
    let held = place.store.lock(login("a").key()).await.expect("free");
    let path = place.store.file(login("a").key()).with_extension("lock");
    fs::remove_file(&path).expect("removed");
    let lock = place
        .store
        .lock(login("a").key())
        .await
        .expect("a new file");
    let opened = safety::open(&path).expect("there");
    assert!(opened.try_lock().is_err(), "the new file is locked");
    drop((held, lock));
    opened.try_lock().expect("free");
}
