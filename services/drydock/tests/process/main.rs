//! Tests of the binary from outside: processes, signals, files, exit codes. Several instances on
//! real servers are tested in `tests/process`, with the oracles of the simulator.

#[cfg(test)]
mod all;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod config;
#[cfg(test)]
mod executor;
#[cfg(test)]
mod files;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod run_check;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod runservice;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unwritable;
#[cfg(test)]
mod values;
#[cfg(test)]
mod wire;
