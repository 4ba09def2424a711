//! Progress on stderr, only if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Counts bytes; up to `total` if that is known.
pub fn bytes(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{bytes} of {total_bytes}, {bytes_per_sec} {bar}"),
        None => (ProgressBar::no_length(), "{bytes}, {bytes_per_sec}"),
    };
    bar.with_style(ProgressStyle::with_template(template).expect("the templates are ours"))
}
