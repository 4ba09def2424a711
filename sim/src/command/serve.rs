//! What both simulated servers need to be served on real TCP.

use std::fmt::Display;
use std::path::Path;

use drydock_backends::tcp::TcpNet;
use drydock_core::net::{Listener, Net as _};
use drydock_harness::fleet::exit::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub async fn listen(address: &str) -> Result<Box<dyn Listener>, Failure> {
    let listening = TcpNet.listen(address).await;
    listening.map_err(|error| Failure::Usage(format!("cannot listen on `{address}`: {error}")))
}

pub fn about(path: &Path, error: impl Display) -> Failure {
    Failure::Usage(format!("`{}`: {error}", path.display()))
}

/// Says at the beginning what would otherwise cost the state at the end.
pub fn check_folder(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    match folder.is_none_or(Path::is_dir) {
        true => Ok(()),
        false => Err(about(path, "its folder does not exist")),
    }
}

/// What people and service managers end a process with.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn listen() -> Result<Signals, Failure> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Signals { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_taken_is_named() {
        let listener = listen("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr();
        let taken = listen(&address).await.err().unwrap();
        assert!(matches!(&taken, Failure::Usage(_)), "{taken}");
        assert!(taken.to_string().contains(&address), "{taken}");
    }

    #[test]
    fn a_file_can_only_be_written_into_a_folder_that_exists() {
        assert!(check_folder(Path::new("state.json")).is_ok());
        assert!(check_folder(&std::env::temp_dir().join("state.json")).is_ok());
        let error = check_folder(Path::new("/no/such/folder/state.json")).unwrap_err();
        assert!(error.to_string().starts_with("`/no/such/folder/state.json`: "), "{error}");
    }
}
