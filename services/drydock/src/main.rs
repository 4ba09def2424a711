//! The binary `drydock`; everything is in the library.

fn main() -> std::process::ExitCode {
    drydock::cli::main()
}
