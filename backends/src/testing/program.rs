//! Finds the programs, and waits until they have started.

use std::path::PathBuf;
use std::time::Duration;

/// The variable that names `etcd`.
pub const ETCD: &str = "DRYDOCK_TEST_ETCD";
/// The variable that names SeaweedFS's `weed`.
pub const WEED: &str = "DRYDOCK_TEST_WEED";
/// The variable that names a Python that has `openapi-python-client`.
pub const PYTHON: &str = "DRYDOCK_TEST_PYTHON";
/// The variable that names a Chromium, or its headless shell.
pub const CHROMIUM: &str = "DRYDOCK_TEST_CHROMIUM";

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How often starting a server is tried, because a port may be taken meanwhile.
pub const ATTEMPTS: usize = 3;

/// The program that `variable` names.
///
/// # Panics
/// If it names none: tests that need it are ignored unless somebody asks for them.
pub fn program(variable: &str) -> PathBuf {
    let named = std::env::var_os(variable).filter(|path| !path.is_empty());
    named.unwrap_or_else(|| panic!("`{variable}` names no program: run `.ci/test`")).into()
}

/// Checks `ready` repeatedly; `false` if it takes too long.
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
