//! Decisions about runs: what follows from a state and an event.
//!
//! Everything here is a pure function over plain values: no clock (the time is an argument), no
//! store, no HTTP. Actions load a [`RunState`], call one function, and store what has changed in
//! one commit, so every committed state is a fixpoint of [`advance`].
//!
//! | module | decides |
//! |---|---|
//! | [`definition`] | whether tasks can be run, and fit together |
//! | [`graph`] | the order of tasks |
//! | [`edge`] | whether a parent lets its child start |
//! | [`advance`] | what follows from a state: ready, skipped and cancelled tasks, result, phase |
//! | [`attempt`] | claims, and how attempts end |
//! | [`retry`] | whether a failed task is tried again |
//! | [`approval`] | approvals and refusals |
//! | [`stop`] | stops and cancellations |
//! | [`deadline`] | the four deadlines |
//! | [`group`] | which runs of a group start, and which give way to a newer one |
//! | [`restart`] | what a restarted run keeps |
//! | [`status`] | whether a reported status can be true |
//! | [`pick`] | which task an executor gets |
//! | [`heartbeat`] | what an executor is told to do |
//! | [`reconcile`] | what becomes of attempts after an import or a recovery |
//! | [`gate`] | how many queued runs may start after maintenance |
//! | [`waiting`] | what a task waits for |

pub mod advance;
pub mod approval;
pub mod attempt;
pub mod deadline;
pub mod definition;
pub mod edge;
pub mod gate;
pub mod graph;
pub mod group;
pub mod heartbeat;
pub mod pick;
pub mod reconcile;
pub mod restart;
pub mod retry;
pub mod settings;
mod state;
pub mod status;
pub mod stop;
pub mod waiting;

pub use settings::EngineSettings;
pub use state::RunState;

#[cfg(test)]
mod tests;
