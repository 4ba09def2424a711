//! Encryption keys that nobody gave: one made at random once, and kept in the data directory.
//!
//! Whoever moves an export to another installation moves this file's content along.

use std::path::Path;
use std::{fs, io};

use drydock_core::env::Env;
use drydock_runtime::encryption::KeyRing;
use rand::RngExt;

use super::load::ConfigError;
use super::tokens::write_secret;

const FILE: &str = "encryption.keys";

/// The keys of a data directory; makes one if there are none.
pub fn read_or_create(data_dir: &Path, env: &Env) -> Result<KeyRing, ConfigError> {
    let path = data_dir.join(FILE);
    let problem = |problem: String| ConfigError::Keys { path: path.clone(), problem };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; 32] = env.rng("keys").random();
            let text = format!("key-1:{}\n", hex::encode(key));
            let written = write_secret(data_dir, &path, text.as_bytes());
            written.map_err(|error| problem(format!("cannot be written: {error}")))?;
            text
        }
        Err(error) => return Err(problem(format!("cannot be read: {error}"))),
    };
    text.trim().parse().map_err(|why| problem(format!("{why}")))
}
