//! The suite of coordination over the wire.

use super::simulated::Simulated;

mod one_member {
    use super::*;

    drydock_core::coordination_conformance! { Simulated::start(1) }
}

mod three_members {
    use super::*;

    drydock_core::coordination_conformance! { Simulated::start(3) }
}
