//! The text that is signed.

use crate::request::head::{Head, encode, encode_path};

/// `signed` are the names of headers, in order, in lower case.
pub fn request(head: &Head, signed: &[&str], payload: &str) -> String {
    let mut query: Vec<_> = head
        .query
        .pairs()
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    query.sort();
    let mut headers = String::new();
    for name in signed {
        let value = head.header(name).unwrap_or_default();
        headers.push_str(&format!("{name}:{}\n", trimmed(&value)));
    }
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload}",
        head.method,
        encode_path(&head.path),
        query.join("&"),
        signed.join(";"),
    )
}

/// Without blanks at the ends, and with single ones in between.
fn trimmed(value: &str) -> String {
    let words = value.split(' ').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").trim().to_owned()
}
