//! Actions: decisions, each inside one transaction. An action may run several times, so it changes
//! nothing but the transaction. What follows from a change is in the same commit.

pub mod approval;
pub mod archive;
pub mod cache;
pub mod claim;
pub mod cursor;
pub mod event;
pub mod executor;
pub mod gate;
pub mod heartbeat;
pub mod late;
pub mod log;
pub mod reconcile;
pub mod restart;
pub mod run;
pub mod state;
pub mod status;
pub mod stop;
pub mod view;
