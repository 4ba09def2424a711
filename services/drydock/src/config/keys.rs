//! The encryption key of an installation that configures none: it is made at random once, and kept
//! in the data directory.
//!
//! An export that is moved to another installation needs the content of this file there, too.

use std::path::Path;
use std::{fs, io};

use drydock_core::env::Env;
use drydock_runtime::encryption::{KeyRing, identity};
use rand::RngExt;

use super::load::ConfigError;
use super::tokens::write_secret;

const FILE: &str = "encryption.keys";
/// The digits of a name that is made.
const NAME_DIGITS: usize = 8;

/// Reads the keys of a data directory; `None` if there are none.
pub fn read(data_dir: &Path) -> Result<Option<KeyRing>, ConfigError> {
    let path = data_dir.join(FILE);
    let problem = |problem: String| ConfigError::Keys { path: path.clone(), problem };
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|why| problem(format!("{why}"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(problem(format!("cannot be read: {error}"))),
    }
}

/// Reads the keys of a data directory, and makes one if there are none.
pub fn read_or_create(data_dir: &Path, env: &Env) -> Result<KeyRing, ConfigError> {
    let path = data_dir.join(FILE);
    let problem = |problem: String| ConfigError::Keys { path: path.clone(), problem };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = env.rng("keys").random();
            // A name of its own: two installations may meet.
            let identity = identity(&key);
            let name: String = identity.chars().rev().take(NAME_DIGITS).collect();
            let text = format!("key-{name}:{}\n", hex::encode(key));
            let written = write_secret(data_dir, &path, text.as_bytes());
            written.map_err(|error| problem(format!("cannot be written: {error}")))?;
            text
        }
        Err(error) => return Err(problem(format!("cannot be read: {error}"))),
    };
    text.trim().parse().map_err(|why| problem(format!("{why}")))
}
