//! Lineages: uninterrupted stretches of the log, and how one gives way to the next.
//!
//! A lineage begins at a store's first boot, with an import or a restore, or with a recovery. Its
//! record says where it came from. Positions go on over a change of lineage.
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | the stored records about lineages |
//! | [`notes`] | which lineage objects name as the current one |
//! | [`proof`] | what objects prove, and whether a log goes on from there |
//! | [`tenure`] | one archiver, which notes what it archives |
//! | [`list`] | all lineages, and up to where objects hold each |
//! | [`bootstrap`] | a store's first boot |
//! | [`begin`] | a new lineage where the one before it ended without a switch |
//! | [`recovery`] | a lost or set-back coordination store, from objects |
//! | [`floors`] | what counters gave out, from one lineage to the next |
//! | [`fork`] | a log that took another course than the one applied here |
//! | [`switch`] | the switch of an import or a restore |
//!
//! Deliberately absent: where the new state comes from (`archive`), and who loads it (`store`).

pub(crate) mod begin;
pub(crate) mod bootstrap;
pub(crate) mod floors;
pub(crate) mod fork;
pub mod list;
pub mod notes;
pub(crate) mod proof;
pub mod record;
pub(crate) mod recovery;
pub(crate) mod switch;
pub(crate) mod tenure;

#[cfg(test)]
mod tests;

pub use list::Lineage;
