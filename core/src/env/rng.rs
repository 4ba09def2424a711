//! A tree of named random streams.
//!
//! The numbers of a stream depend only on the tree's seed, the stream's name and how many streams
//! of that name were made before it. So a new draw in one place does not change the numbers
//! elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rand::SeedableRng;

/// A generator: ChaCha, whose stream is the same on every platform and version.
pub type Rng = rand_chacha::ChaCha12Rng;

/// The root of named streams. Clones share it.
#[derive(Clone)]
pub struct RngTree {
    seed: [u8; 32],
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl RngTree {
    pub fn from_seed(seed: u64) -> RngTree {
        RngTree::new(blake3::derive_key("drydock rng tree root", &seed.to_le_bytes()))
    }

    /// A tree with a seed from the machine's entropy.
    pub fn from_entropy() -> RngTree {
        // UUIDv4 draws its bytes from the operating system; two hold 244 random bits.
        #[expect(clippy::disallowed_methods, reason = "the one place that draws real entropy")]
        let drawn = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()];
        RngTree::new(blake3::derive_key("drydock rng tree entropy", drawn.as_flattened()))
    }

    fn new(seed: [u8; 32]) -> RngTree {
        RngTree { seed, asked: Arc::default() }
    }

    /// An independent tree below this one.
    pub fn child(&self, name: &str) -> RngTree {
        RngTree::new(*blake3::keyed_hash(&self.seed, format!("tree/{name}").as_bytes()).as_bytes())
    }

    /// The next generator of the stream `name`.
    pub fn stream(&self, name: &str) -> Rng {
        let mut asked = self.asked.lock().expect("no holder of this lock panics");
        let count = asked.entry(name.to_owned()).or_default();
        *count += 1;
        let label = format!("stream/{name}/{count}");
        Rng::from_seed(*blake3::keyed_hash(&self.seed, label.as_bytes()).as_bytes())
    }
}
