//! The simulator of Drydock.
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | everything that a run depends on, as data |
//! | [`scenario`] | makes plans from seeds |
//! | [`world`] | hosts, network and time |
//! | [`fault`] | what may go wrong, and what it hit |
//! | [`recorder`] | all events in order, and their fingerprint |
//! | [`history`] | what clients asked and were told |
//! | [`truth`] | what really happened |

pub mod fault;
pub mod history;
pub mod plan;
pub mod recorder;
pub mod truth;
pub mod world;

#[cfg(not(tokio_unstable))]
compile_error!("the simulator needs `--cfg tokio_unstable`: see .cargo/config.toml");
