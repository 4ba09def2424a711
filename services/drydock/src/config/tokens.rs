//! The tokens of an installation that configures none: they are made at random once, and kept in
//! the data directory.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use drydock_core::env::Env;
use drydock_core::private;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::load::ConfigError;
use super::validate::usable_token;

const FILE: &str = "tokens.json";

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    pub internal: String,
    pub admin: String,
}

/// Reads the tokens of a data directory, which must exist.
pub fn read(data_dir: &Path) -> Result<Tokens, ConfigError> {
    let path = data_dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => parse(&path, &bytes),
        Err(error) => Err(problem(&path, format!("cannot be read: {error}"))),
    }
}

/// Reads the tokens of a data directory, and makes both if there are none.
pub fn read_or_create(data_dir: &Path, env: &Env) -> Result<Tokens, ConfigError> {
    let path = data_dir.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => parse(&path, &bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let tokens = Tokens { internal: random(env), admin: random(env) };
            let written = write(data_dir, &path, &tokens);
            written.map_err(|error| problem(&path, format!("cannot be written: {error}")))?;
            Ok(tokens)
        }
        Err(error) => Err(problem(&path, format!("cannot be read: {error}"))),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Tokens, ConfigError> {
    // Serde's own message is not shown: it may quote a token.
    let damaged = || problem(path, "does not hold `internal` and `admin`".to_owned());
    let tokens: Tokens = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    for token in [&tokens.internal, &tokens.admin] {
        usable_token(token).map_err(|why| problem(path, format!("holds a token that {why}")))?;
    }
    Ok(tokens)
}

fn random(env: &Env) -> String {
    let bytes: [u8; 32] = env.rng("tokens").random();
    hex::encode(bytes)
}

fn write(data_dir: &Path, path: &Path, tokens: &Tokens) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(tokens)?;
    text.push(b'\n');
    write_secret(data_dir, path, &text)
}

/// Writes a file that other users cannot read. After a failure the file is old or absent, never
/// cut.
pub(super) fn write_secret(data_dir: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    private::create_dir_all(data_dir)?;
    let part = path.with_extension("part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private::options().write(true).create_new(true).open(&part)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(data_dir)?.sync_all()
}

fn problem(path: &Path, problem: String) -> ConfigError {
    ConfigError::Tokens { path: path.to_owned(), problem }
}
