//! `drydock user|token|org|group|project|secret|variable|remote-source`: objects at a gateway.
//!
//! | module | holds |
//! |---|---|
//! | [`args`] | arguments as clap reads them |
//! | [`session`] | the gateway, and how answers are shown |
//! | the others | one noun each |

pub mod args;
pub mod group;
pub mod org;
pub mod project;
pub mod remote_source;
pub mod secret;
pub mod session;
pub mod token;
pub mod user;
pub mod variable;
