//! Parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    voicespool::cli::main()
}
