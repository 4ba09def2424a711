//! `drydock user|token|org|group|project|secret|variable|remote-source`: objects, through a
//! gateway.
//!
//! | module | holds |
//! |---|---|
//! | [`args`] | arguments as clap reads them |
//! | [`session`] | a connection to the gateway, and how answers are shown |
//! | [`scoped`] | the part that secrets and variables share |
//! | the others | the commands of one noun each |

pub mod args;
mod contents;
pub mod group;
pub mod org;
pub mod project;
pub mod remote_source;
pub mod scoped;
pub mod secret;
pub mod session;
pub mod token;
pub mod user;
pub mod variable;
