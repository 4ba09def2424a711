use std::fmt;

use crate::plan::{gateway_name, instance_name};

/// Who is asked, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    Instance(usize),
    Gateway(usize),
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Server::Instance(number) => instance_name(*number),
            Server::Gateway(number) => gateway_name(*number),
        })
    }
}
