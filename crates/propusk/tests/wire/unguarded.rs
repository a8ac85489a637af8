//! Scopes that are declared and that nothing enforces: the operator hears of it.

use crate::{
    secrets::{Log, listen},
    support::{Front, Scoped, Speech},
};

const WARNING: &str = "nothing behind this AuthLayer enforces them";

/// On a runtime of a single thread, whose log is kept.
#[tokio::test]
async fn a_layer_without_a_guard_warns_once() {
    listen();
    for (front, expected) in [
        (Front::Layer, 1),
        (Front::Guarded, 0),
        (Front::Server, 0),
        (Front::Unlayered, 0),
    ] {
        for speech in [Speech::Modern, Speech::Session] {
            let log = Log::default();
            let lines = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_writer(log.clone());
            let kept = tracing::subscriber::set_default(lines.finish());
            let site = Scoped::start(front, |settings| settings).await;
            for _ in 0..3 {
                let free = site.call(speech, Some("ok"), "free").await;
                assert_eq!(free.status, 200, "{front:?} {speech:?}: {free:?}");
            }
            drop(kept);
            let warned = log.text().matches(WARNING).count();
            assert_eq!(warned, expected, "{front:?} {speech:?}");
        }
    }
}
