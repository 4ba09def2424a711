//! The binary `drydock`: nothing but its entry, as in its own package.

fn main() -> std::process::ExitCode {
    drydock_services::cli::main()
}
