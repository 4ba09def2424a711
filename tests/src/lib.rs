//! What the tests of this package share.
//!
//! | module | holds |
//! |---|---|
//! | [`app`] | a service in memory: the real start-up on seams that a test controls |
//! | [`archive`] | exports, taken apart and put together |
//! | [`client`] | requests, and exchanges as texts for snapshots |
//! | [`endpoints`] | what the services answer, and the documents of that |
//! | [`faulty`] | coordination and objects that can be told to fail |
//! | [`fixtures`] | what released versions wrote |
//! | [`gateway`] | a gateway before such a service, and people who use it |
//! | [`servers`] | the stores of a test on real servers |
//! | [`run`] | a runtime whose time and order repeat |
//! | [`runs`] | a runservice in memory, with executors at work |
//! | `watched` | the network of a gateway, which counts its calls |
//!
//! Tests are in `api/` (by route), `backends/` (against servers) and `tidy/` (rules of the house);
//! `bench/` measures. Those of the real binary are in
//! `services/drydock/tests/process`, several of them on real servers in `process/`.

pub mod app;
pub mod archive;
pub mod client;
pub mod endpoints;
pub mod faulty;
pub mod fixtures;
pub mod gateway;
pub mod run;
pub mod runs;
pub mod servers;
mod watched;
