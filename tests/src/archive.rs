//! Exports as texts that a test takes apart and puts together again.

use std::collections::BTreeMap;

use drydock_core::archive::format::{Hashes, Trailer, TrailerLine};
use drydock_core::log::format::canonical;
use serde_json::Value;

/// The lines of an export without its trailer.
#[derive(Debug, Clone)]
pub struct Export {
    pub header: String,
    pub objects: Vec<String>,
    /// The types that the trailer counts.
    types: Vec<String>,
}

impl Export {
    /// # Panics
    /// If `text` is no export.
    pub fn parse(text: &str) -> Export {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let trailer = lines.pop().expect("an export has a trailer");
        let trailer: Value = serde_json::from_str(&trailer).expect("a trailer is JSON");
        let counts = trailer["trailer"]["counts"].as_object().expect("a trailer has counts");
        let types = counts.keys().cloned().collect();
        Export { header: lines.remove(0), objects: lines, types }
    }

    /// With a trailer that fits, whatever the lines say.
    ///
    /// # Panics
    /// If an object line is no JSON.
    pub fn seal(&self) -> String {
        let mut counts: BTreeMap<_, _> = self.types.iter().map(|it| (it.clone(), 0)).collect();
        let mut hashes = Hashes::default();
        let mut text = format!("{}\n", self.header);
        hashes.header(text.as_bytes());
        for object in &self.objects {
            let line = format!("{object}\n");
            let parsed: Value = serde_json::from_str(object).expect("a line is JSON");
            let kind = parsed["type"].as_str().unwrap_or_default();
            *counts.entry(kind.to_owned()).or_default() += 1;
            hashes.object(line.as_bytes());
            text.push_str(&line);
        }
        let (digest, checksum) = (hashes.digest(), hashes.checksum());
        let trailer = TrailerLine { trailer: Trailer { counts, digest, checksum } };
        let trailer = canonical(&trailer).expect("a trailer is JSON");
        text.push_str(trailer.get());
        text.push('\n');
        text
    }
}
