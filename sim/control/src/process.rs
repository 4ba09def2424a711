//! What a served process needs of its machine.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The message of an error, for the person who started the program or the client of its control
/// port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub String);

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn about(what: impl Display, error: impl Display) -> Error {
        Error(format!("`{what}`: {error}"))
    }

    pub fn of_file(path: &Path, error: impl Display) -> Error {
        Error::about(path.display(), error)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Error {
    fn from(text: String) -> Error {
        Error(text)
    }
}

pub async fn listen(address: &str) -> Result<TcpListener> {
    #[expect(clippy::disallowed_methods, reason = "these programs serve real TCP")]
    let listening = TcpListener::bind(address).await;
    listening.map_err(|error| Error(format!("cannot listen on `{address}`: {error}")))
}

pub fn local_address(listener: &TcpListener) -> Result<String> {
    let address = listener.local_addr().map_err(|error| Error(error.to_string()))?;
    Ok(address.to_string())
}

/// Says at the beginning what would otherwise cost the state at the end.
pub fn check_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    match folder.is_none_or(Path::is_dir) {
        true => Ok(()),
        false => Err(Error::of_file(path, "its folder does not exist")),
    }
}

/// Prints a JSON object on a line of its own. It is no failure if nobody reads it any more.
pub fn print(object: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(object).map_err(|error| Error(error.to_string()))?;
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error(format!("stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Tells of a failure on stderr; it is lost if that cannot be written.
pub fn complain(error: &Error) {
    let _ = writeln!(io::stderr().lock(), "error: {error}");
}

/// What people and service managers end a process with.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub fn listen() -> Result<Signals> {
        let listen = |kind| signal(kind).map_err(|error| Error(format!("signals: {error}")));
        let interrupt = listen(SignalKind::interrupt())?;
        Ok(Signals { interrupt, terminate: listen(SignalKind::terminate())? })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
