//! `drydock-sim`: see `drydock-sim --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    drydock_sim::command::main()
}
