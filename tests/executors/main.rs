//! The protocol of executors against a real runservice in memory: what is left after each end of an
//! executor, a service or a supervisor, and what each answer of the service leads to.
//!
//! The driver is a script (`machine`): processes that outlive the executor, and a ledger of what
//! was started.

#[cfg(test)]
mod archive_waits;
#[cfg(test)]
mod archives;
#[cfg(test)]
mod bad_net;
#[cfg(test)]
mod caches;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod world;
