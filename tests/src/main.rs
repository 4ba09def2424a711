//! The binary `drydock`: nothing but its entry, as in its own package.

fn main() -> std::process::ExitCode {
    drydock::cli::main()
}
