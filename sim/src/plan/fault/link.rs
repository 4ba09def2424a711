//! Faults of links between two hosts. A link has a direction: `from` sends, `to` receives.

use drydock_harness::fault::Act;
use serde::{Deserialize, Serialize};

use super::About;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LinkFault {
    /// Traffic is held, then arrives; so do dials.
    Stall { from: String, to: String },
    /// Traffic and dials vanish; afterwards the connections of both directions are reset.
    Blackhole { from: String, to: String },
    /// Dials are refused.
    Refuse { from: String, to: String },
    /// Established connections are reset, once.
    Reset { from: String, to: String },
    /// Every piece of at most `chunk_bytes` takes `delay_ms` longer.
    Slow { from: String, to: String, delay_ms: u64, chunk_bytes: usize },
}

impl LinkFault {
    pub const ABOUT: &[About] = &[
        About {
            label: "stall",
            meaning: "traffic of a link is held, then arrives",
            hits: "bytes and dials that were held",
        },
        About {
            label: "blackhole",
            meaning: "traffic and dials of a link vanish, then its connections are reset",
            hits: "bytes and dials that vanished, and connections that were reset",
        },
        About { label: "refuse", meaning: "dials are refused", hits: "dials" },
        About {
            label: "reset",
            meaning: "established connections are reset",
            hits: "ends of connections",
        },
        About {
            label: "slow",
            meaning: "a link has latency and little bandwidth",
            hits: "bytes that were slowed down",
        },
    ];

    /// Sender and receiver.
    pub fn hosts(&self) -> [&str; 2] {
        match self {
            LinkFault::Stall { from, to }
            | LinkFault::Blackhole { from, to }
            | LinkFault::Refuse { from, to }
            | LinkFault::Reset { from, to }
            | LinkFault::Slow { from, to, .. } => [from, to],
        }
    }

    pub(super) fn acts(&self) -> Vec<Act> {
        let [from, to] = self.hosts().map(str::to_owned);
        match self {
            LinkFault::Stall { .. } => vec![Act::Hold { from, to }],
            LinkFault::Blackhole { .. } => {
                let reset = Act::ResetAtEnd { from: from.clone(), to: to.clone() };
                vec![Act::Hold { from, to }, reset]
            }
            LinkFault::Refuse { .. } => vec![Act::Refuse { from, to }],
            LinkFault::Reset { .. } => vec![Act::Reset { from, to }],
            LinkFault::Slow { delay_ms, chunk_bytes, .. } => {
                let (delay_ms, chunk_bytes) = (*delay_ms, *chunk_bytes);
                vec![Act::Slow { from, to, delay_ms, chunk_bytes }]
            }
        }
    }
}

/// Slows both directions between an instance and a server down, whatever the sizes of pieces.
pub(super) fn slow_both(instance: &str, server: &str, delay_ms: u64) -> [Act; 2] {
    [(instance, server), (server, instance)].map(|(from, to)| Act::Slow {
        from: from.to_owned(),
        to: to.to_owned(),
        delay_ms,
        chunk_bytes: usize::MAX,
    })
}
