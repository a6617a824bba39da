//! The recursive resolver as a program.

fn main() -> std::process::ExitCode {
    serve::program::run::<local_dns::Running>()
}
