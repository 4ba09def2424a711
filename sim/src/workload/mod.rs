//! Who uses the cluster: clients, an operator, and the look at everything at the end.

mod api;
mod believed;
mod clients;
mod damage;
mod gateway_api;
mod operator;
mod people;
mod pushers;
mod runs;
mod runs_api;
mod script;
mod session;
mod shapes;
mod tree;

pub use api::{HttpApi, LIST_LIMIT};
pub use believed::Believed;
pub use clients::client;
pub use gateway_api::GatewayApi;
pub use operator::{FinalStates, operator};
pub use people::person;
pub use pushers::pusher;
pub use runs_api::RunsApi;
pub use script::Script;
pub use session::{Api, Elsewhere, Session};
