//! The bytes of a log on a terminal. Steps may colour their output; nothing else that a log holds
//! moves the cursor, changes the title or answers for the person at the keyboard.

/// Lets texts, line breaks, tabs and colours through, and shows every other control character as an
/// escape. Keeps what may be the start of a colour or of a character until the rest has come.
#[derive(Debug, Default)]
pub struct Filter {
    rest: Vec<u8>,
}

/// No sequence of a colour is longer.
const MAX_COLOUR: usize = 32;
const ESCAPE: char = '\u{1b}';

impl Filter {
    pub fn pass(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut shown = String::new();
        let mut done = 0;
        while let Some((length, text)) = next(&self.rest[done..]) {
            shown += &text;
            done += length;
        }
        self.rest.drain(..done);
        shown
    }

    /// What is left at the end.
    pub fn end(&mut self) -> String {
        let rest = std::mem::take(&mut self.rest);
        String::from_utf8_lossy(&rest).chars().map(shown).collect()
    }
}

/// The first character or colour, with its length; `None` if more has to come.
fn next(bytes: &[u8]) -> Option<(usize, String)> {
    let first = *bytes.first()?;
    if first == ESCAPE as u8 {
        return colour(bytes);
    }
    let width = match first {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((1, char::REPLACEMENT_CHARACTER.to_string())),
    };
    let available = &bytes[..width.min(bytes.len())];
    match std::str::from_utf8(available) {
        Ok(text) => Some((width, text.chars().map(shown).collect())),
        // It ends in the middle of a character.
        Err(error) if error.error_len().is_none() => None,
        Err(_) => Some((1, char::REPLACEMENT_CHARACTER.to_string())),
    }
}

/// `ESC [ numbers m`, or the escape alone.
fn colour(bytes: &[u8]) -> Option<(usize, String)> {
    let alone = Some((1, shown(ESCAPE)));
    match bytes.get(1) {
        None => return None,
        Some(b'[') => {}
        Some(_) => return alone,
    }
    let parameters = &bytes[2..];
    let is_parameter = |byte: &u8| byte.is_ascii_digit() || *byte == b';' || *byte == b':';
    match parameters.iter().position(|byte| !is_parameter(byte)) {
        Some(end) if parameters[end] == b'm' && end < MAX_COLOUR => {
            let length = end + 3;
            Some((length, String::from_utf8_lossy(&bytes[..length]).into_owned()))
        }
        None if parameters.len() < MAX_COLOUR => None,
        _ => alone,
    }
}

fn shown(c: char) -> String {
    let is_safe = !c.is_control() || matches!(c, '\n' | '\t' | '\r');
    if is_safe { c.to_string() } else { c.escape_default().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(bytes: &[u8], size: usize) -> String {
        let mut filter = Filter::default();
        let passed: String = bytes.chunks(size).map(|piece| filter.pass(piece)).collect();
        passed + &filter.end()
    }

    #[test]
    fn only_colours_pass_however_the_bytes_are_cut() {
        let evil = "a\u{1b}[1;31mred\u{1b}[0m é😀\tx\r\n\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}1m\u{1b}";
        let expected = "a\u{1b}[1;31mred\u{1b}[0m é😀\tx\r\n\\u{1b}]0;title\\u{7}\\u{1b}[2J\
                        \\u{9b}1m\\u{1b}";
        for size in 1..=evil.len() {
            assert_eq!(in_pieces(evil.as_bytes(), size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_nothing_is_kept_for_ever() {
        for size in 1..4 {
            assert_eq!(in_pieces(b"a\xffb\xe2\x28\xe2\x82", size), "a\u{fffd}b\u{fffd}(\u{fffd}");
        }
        let mut filter = Filter::default();
        let long = [b"\x1b[".as_slice(), &[b'1'; 100]].concat();
        assert!(filter.pass(&long).starts_with("\\u{1b}[111"));
    }
}
