//! A runtime that does the same thing every time: one thread, paused time, seeded `select!`.

use std::time::Duration;

use drydock_core::env::Clock;
use jiff::Timestamp;
use tokio::runtime::{Builder, RngSeed};
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::util::SubscriberInitExt;

/// Longer, in simulated time, than any test waits for something.
const LIMIT: Duration = Duration::from_secs(3600);
/// Between two looks at a condition, in simulated time.
const LOOK: Duration = Duration::from_millis(10);

/// What is logged of a test. It is shown if the test fails.
const LOGGED: &str = "drydock=debug,drydock_api=debug,drydock_backends=debug,\
    drydock_configstore=debug,drydock_core=debug,drydock_gateway=debug,drydock_http=debug,\
    drydock_runtime=debug,drydock_sim_etcd=debug,drydock_sim_s3=debug";

/// How long the test has run by its own time: so lines of its log begin.
struct Elapsed {
    start: Instant,
}

impl FormatTime for Elapsed {
    fn format_time(&self, to: &mut Writer<'_>) -> std::fmt::Result {
        write!(to, "{:?}", self.start.elapsed())
    }
}

/// Runs a test to its end.
///
/// # Panics
/// If it waits for something that does not come.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .rng_seed(RngSeed::from_bytes(b"drydock tests"))
        .build()
        .expect("a runtime needs nothing that could be missing");
    let bounded = async {
        let log = tracing_subscriber::fmt().with_ansi(false).with_test_writer();
        let log = log.with_timer(Elapsed { start: Instant::now() });
        let log = log.with_env_filter(EnvFilter::new(LOGGED)).finish();
        let _logged = log.set_default();
        tokio::time::timeout(LIMIT, test).await
    };
    runtime.block_on(bounded).expect("the test waits for something that does not come")
}

/// Waits until `holds`, looking every few milliseconds: simulated ones under [`run`].
pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(LOOK).await;
    }
}

/// Lets time pass, simulated under [`run`].
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Both clocks follow the runtime's time.
#[derive(Debug)]
pub struct RuntimeClock {
    start: Instant,
}

/// The first moment of every test.
const EPOCH: i64 = 1_767_225_600; // 2026-01-01T00:00:00Z

impl RuntimeClock {
    /// Starts now.
    #[expect(clippy::new_without_default, reason = "reads the runtime's clock")]
    pub fn new() -> RuntimeClock {
        RuntimeClock { start: Instant::now() }
    }

    /// Waits until so much time has passed since the start.
    pub async fn reach(&self, time: Duration) {
        tokio::time::sleep_until(self.start + time).await;
    }
}

impl Clock for RuntimeClock {
    fn wall(&self) -> Timestamp {
        let epoch = Timestamp::from_second(EPOCH).expect("a time of this century");
        epoch.saturating_add(self.monotonic()).expect("a duration is not a calendar span")
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
