//! The protocol of executors against a real runservice in memory: what is left after each end of an
//! executor, a service or a supervisor, and what each answer of the service leads to.
//!
//! The driver is a script (`machine`): processes that outlive the executor, and a ledger of what
//! was started.

mod crashes;
mod machine;
mod orders;
mod outages;
mod world;
