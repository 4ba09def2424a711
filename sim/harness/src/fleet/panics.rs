//! Panics of a run: the first one is what happened, others follow from it.

use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone)]
pub struct Panic {
    pub message: String,
    /// File, line and column.
    pub place: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.place)
    }
}

impl Panic {
    /// Whether it is no finding about the system under test: a panic of turmoil, of the simulator,
    /// whose source is below the folder `simulator`, or one that follows from another panic.
    pub fn is_simulators(&self, simulator: &str) -> bool {
        let follows = self.message.contains("shutdown on unhandled panic");
        follows || self.place.contains("turmoil") || self.place.starts_with(simulator)
    }
}

/// Holds the process's panic hook, and notes panics instead of printing them.
pub struct Panics(Arc<Mutex<Vec<Panic>>>);

impl Panics {
    pub fn watch() -> Panics {
        let panics: Arc<Mutex<Vec<Panic>>> = Arc::default();
        let noted = panics.clone();
        std::panic::set_hook(Box::new(move |info| {
            if let Ok(mut panics) = noted.lock() {
                panics.push(panic(info));
            }
        }));
        Panics(panics)
    }

    /// Gives the hook back. Answers the first panic.
    pub fn end(self) -> Option<Panic> {
        let _ = std::panic::take_hook();
        self.0.lock().ok()?.first().cloned()
    }
}

fn panic(info: &PanicHookInfo<'_>) -> Panic {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Panic {
        message: message.unwrap_or_else(|| "a panic without text".to_owned()),
        place: info.location().map(ToString::to_string).unwrap_or_default(),
    }
}
