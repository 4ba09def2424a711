//! The forms in which programs write a secret.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// The length in bytes below which a secret is not masked.
pub const MIN_LENGTH: usize = 4;
/// The length in bytes from which a single line of a secret is masked.
pub const MIN_LINE_LENGTH: usize = 8;
/// The length in bytes up to which a secret can be masked.
pub const MAX_LENGTH: usize = 16 << 10;

/// All but what RFC 3986 calls unreserved.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// All but what JavaScript's `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet =
    &STRICT.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// All but what JavaScript's `encodeURI` leaves as it is.
const WHOLE: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'#');

/// Every form of a secret that is masked; none if the secret is too short.
pub fn forms(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let trimmed = secret.trim_ascii();
    if trimmed.len() < MIN_LENGTH {
        return found;
    }
    for value in BTreeSet::from([secret, trimmed]) {
        add_value(value, &mut found);
    }
    let with_returns = with_carriage_returns(trimmed);
    if with_returns != trimmed {
        add_value(&with_returns, &mut found);
    }
    add_lines(trimmed, &mut found);
    found.retain(|form| form.len() >= MIN_LENGTH);
    found
}

fn add_value(value: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    found.insert(value.to_vec());
    add_json(value, found);
    add_url(value, found);
    add_base64(value, found);
}

/// The lines of a secret that has several: programs print them one by one, or indented.
fn add_lines(value: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    let lines: Vec<_> = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    if lines.len() > 1 {
        for line in lines.into_iter().filter(|line| line.len() >= MIN_LINE_LENGTH) {
            found.insert(line.to_vec());
            add_json(line, found);
        }
    }
}

fn with_carriage_returns(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for (at, byte) in value.iter().enumerate() {
        if *byte == b'\n' && !value[..at].ends_with(b"\r") {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

/// As in a JSON text: with the least escapes, with `/` escaped (PHP), without other letters than
/// ASCII (Python), and without `<`, `>` and `&` (Go).
fn add_json(value: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    let Ok(text) = std::str::from_utf8(value) else { return };
    let quoted = serde_json::to_string(text).expect("a text can be written as JSON");
    let plain = &quoted[1..quoted.len() - 1];
    let ascii = escape(plain, |letter| !letter.is_ascii());
    let html = escape(plain, |letter| "<>&\u{2028}\u{2029}".contains(letter));
    for form in [plain, &ascii, &html, &plain.replace('/', "\\/"), &ascii.replace('/', "\\/")] {
        found.insert(form.as_bytes().to_vec());
    }
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_escaped(letter) {
            let units = letter.encode_utf16(&mut [0; 2]).to_vec();
            units.iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(letter);
        }
    }
    out
}

/// As in a URL, with hexadecimal digits in upper and lower case, and spaces as `+` too.
fn add_url(value: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    for set in [STRICT, COMPONENT, WHOLE] {
        let upper = percent_encode(value, set).to_string();
        let lower = lower_escapes(&upper);
        for form in [upper, lower] {
            found.insert(form.replace("%20", "+").into_bytes());
            found.insert(form.into_bytes());
        }
    }
}

fn lower_escapes(text: &str) -> String {
    let mut digits = 0;
    let lower = |letter: char| {
        digits = if letter == '%' { 3 } else { usize::saturating_sub(digits, 1) };
        if digits > 0 { letter.to_ascii_lowercase() } else { letter }
    };
    text.chars().map(lower).collect()
}

/// As inside of a larger value in base64 and base64url: at each of the three alignments those
/// characters that depend on nothing but the secret.
fn add_base64(value: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    for before in 0..3 {
        let padded = [&[0; 3][..before], value].concat();
        // A character holds six bits. The first ones hold bits of what stands before, the last one
        // may hold bits of what follows.
        let (start, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            found.insert(engine.encode(&padded).as_bytes()[start..end].to_vec());
        }
    }
}
