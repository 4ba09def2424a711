//! Which programs there are, and whether they have started.

use std::path::PathBuf;
use std::time::Duration;

/// The variable that names `etcd`.
pub const ETCD: &str = "DRYDOCK_TEST_ETCD";
/// The variable that names SeaweedFS's `weed`.
pub const WEED: &str = "DRYDOCK_TEST_WEED";

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Starts tried, as a port may be taken meanwhile.
pub const ATTEMPTS: usize = 3;

/// The program that `variable` names, if it is there for tests.
pub fn program(variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    assert!(std::env::var_os("CI").is_none(), "`{variable}` names no program");
    eprintln!("left out: `{variable}` names no program");
    None
}

/// Looks again and again, until `ready` or too late.
pub async fn within_start<F: Future<Output = bool>>(ready: impl Fn() -> F) -> bool {
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    let looking = async {
        loop {
            looks.tick().await;
            if ready().await {
                return;
            }
        }
    };
    tokio::time::timeout(START, looking).await.is_ok()
}
