//! One JSON line for each request.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::process::{Error, Result, complain};

/// Where lines go: a file, or stdout.
pub struct RequestLog(Mutex<Option<Box<dyn Write + Send>>>);

impl RequestLog {
    /// `-` is stdout.
    pub fn open(path: Option<&Path>) -> Result<RequestLog> {
        let to: Option<Box<dyn Write + Send>> = match path {
            None => None,
            Some(path) if path == "-" => Some(Box::new(io::stdout())),
            Some(path) => {
                let file = File::options().create(true).append(true).open(path);
                Some(Box::new(file.map_err(|error| Error::of_file(path, error))?))
            }
        };
        Ok(RequestLog(Mutex::new(to)))
    }

    /// A log that cannot be written is not written any more: who serves goes on.
    pub fn line(&self, line: &impl Serialize) {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = to.as_mut() else { return };
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut json| {
            json.push(b'\n');
            writer.write_all(&json)?;
            writer.flush()
        });
        if let Err(error) = written {
            complain(&Error(format!("the log of requests ends here: {error}")));
            *to = None;
        }
    }
}
