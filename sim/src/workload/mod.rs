//! Who uses the cluster: clients, an operator, and the look at everything at the end.

mod api;
mod clients;
mod damage;
mod gateway_api;
mod operator;
mod people;
mod session;
mod tree;

pub use api::{HttpApi, LIST_LIMIT};
pub use clients::client;
pub use gateway_api::GatewayApi;
pub use operator::operator;
pub use people::person;
pub use session::{Api, Elsewhere, Session};
