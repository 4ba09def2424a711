//! Takes URLs out of where HTTP/2 wants an authority.
//!
//! Go clients of etcd 3.4, `etcdctl` among them, name an endpoint such as `http://127.0.0.1:2379`
//! as the authority of maintenance requests. etcd does not mind, hyper ends the stream. So what a
//! client sends is looked through for header blocks, and the scheme is cut off.
//!
//! Only literals have to be rewritten: who refers to a header sent before means the rewritten one.
//! The peer's table of headers then holds entries larger than hyper's, and forgets them earlier,
//! which is harmless: entries are counted from the newest. What is not understood is passed on as
//! it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::net::{Accept, BoxStream};

/// What a connection begins with.
const PREFACE_BYTES: usize = 24;
const FRAME_HEADER_BYTES: usize = 9;
const HEADERS: u8 = 1;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: usize = 5;
/// The number of `:authority` in the static table.
const AUTHORITY: usize = 1;
const SCHEME: &[u8] = b"http://";
/// The characters with codes of 5, 6 and 7 bits (RFC 7541, appendix B), in the codes' order.
const CODES: [(u32, usize, &[u8]); 3] = [
    (5, 0x00, b"012aceiost"),
    (6, 0x14, b" %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
];

/// Accepts what `listener` accepts, and repairs what clients send.
pub struct Repairing {
    pub listener: Box<dyn Accept>,
}

#[async_trait]
impl Accept for Repairing {
    async fn accept(&mut self) -> io::Result<(BoxStream, String)> {
        let (inner, peer) = self.listener.accept().await?;
        let repaired = Repaired {
            inner,
            received: BytesMut::new(),
            repaired: BytesMut::new(),
            pass: PREFACE_BYTES,
        };
        Ok((Box::new(repaired), peer))
    }
}

struct Repaired {
    inner: BoxStream,
    /// Not looked through yet.
    received: BytesMut,
    repaired: BytesMut,
    /// So many bytes are none of our business.
    pass: usize,
}

impl Repaired {
    fn look_through(&mut self) {
        loop {
            let passed = self.pass.min(self.received.len());
            self.repaired.extend_from_slice(&self.received.split_to(passed));
            self.pass -= passed;
            if self.pass > 0 || self.received.len() < FRAME_HEADER_BYTES {
                return;
            }
            let [high, middle, low, kind, flags] = *self.received.first_chunk().expect("a header");
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            let whole = FRAME_HEADER_BYTES + length;
            if kind != HEADERS {
                self.pass = whole;
                continue;
            }
            if self.received.len() < whole {
                return;
            }
            let frame = self.received.split_to(whole);
            let block = repair(flags, &frame[FRAME_HEADER_BYTES..]);
            let block = block.as_deref().unwrap_or(&frame[FRAME_HEADER_BYTES..]);
            let length = u32::try_from(block.len()).expect("a frame is short").to_be_bytes();
            self.repaired.extend_from_slice(&length[1..]);
            self.repaired.extend_from_slice(&frame[3..FRAME_HEADER_BYTES]);
            self.repaired.extend_from_slice(block);
        }
    }
}

/// The payload of a HEADERS frame without a scheme in its authority; `None`: leave it as it is.
fn repair(flags: u8, payload: &[u8]) -> Option<Vec<u8>> {
    if flags & PADDED != 0 {
        return None;
    }
    let skipped = if flags & PRIORITY != 0 { PRIORITY_BYTES } else { 0 };
    let mut block = Block { bytes: payload, at: skipped };
    while block.at < payload.len() {
        let first = payload[block.at];
        let name = match first {
            0x80.. => {
                block.number(7)?;
                continue;
            }
            0x40.. => block.number(6)?,
            0x20.. => {
                block.number(5)?;
                continue;
            }
            _ => block.number(4)?,
        };
        if name == 0 {
            block.string()?;
        }
        let before = block.at;
        let (coded, value) = block.string()?;
        if name == AUTHORITY {
            let value = if coded { decode(value)? } else { value.to_vec() };
            let value = value.strip_prefix(SCHEME)?;
            // Shorter than 127, as authorities are: its length is one byte.
            let length = u8::try_from(value.len()).ok().filter(|length| *length < 0x7f)?;
            return Some([&payload[..before], &[length], value, &payload[block.at..]].concat());
        }
    }
    None
}

/// Decodes Huffman's code; `None` where a character is not one of [`CODES`].
fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut code, mut length) = (0, 0);
    for bit in coded.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
        code = code << 1 | usize::from(bit);
        length += 1;
        let (_, first, characters) = match CODES.iter().find(|(bits, ..)| *bits == length) {
            Some(codes) => codes,
            None if length < 5 => continue,
            None => return None,
        };
        if let Some(character) = code.checked_sub(*first).and_then(|index| characters.get(index)) {
            decoded.push(*character);
            (code, length) = (0, 0);
        }
    }
    // What is left is padding.
    (code + 1 == 1 << length).then_some(decoded)
}

/// A header block in HPACK, read as far as finding one's way takes.
struct Block<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Block<'a> {
    /// A number that begins in the lowest bits of the next byte.
    fn number(&mut self, bits: u32) -> Option<usize> {
        let all = (1 << bits) - 1;
        let mut number = usize::from(self.byte()?) & all;
        if number < all {
            return Some(number);
        }
        for shift in [0, 7, 14] {
            let byte = usize::from(self.byte()?);
            number += (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A string, and whether it is in Huffman's code.
    fn string(&mut self) -> Option<(bool, &'a [u8])> {
        let coded = self.bytes.get(self.at)? & 0x80 != 0;
        let length = self.number(7)?;
        let string = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some((coded, string))
    }

    fn byte(&mut self) -> Option<u8> {
        self.at += 1;
        self.bytes.get(self.at - 1).copied()
    }
}

impl AsyncRead for Repaired {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.repaired.is_empty() {
            let mut bytes = [0; 4096];
            let mut received = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.received.extend_from_slice(received.filled());
            self.look_through();
        }
        let count = self.repaired.len().min(buffer.remaining());
        buffer.put_slice(&self.repaired[..count]);
        self.repaired.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Repaired {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `:method POST`, then an authority that is remembered, then what a client may add.
    fn block(authority: &[u8], coded: bool) -> Vec<u8> {
        let length = u8::try_from(authority.len()).unwrap() | if coded { 0x80 } else { 0 };
        [&[0x83, 0x41, length], authority, &[0x86, 0x00, 1, b'x', 1, b'y']].concat()
    }

    #[test]
    fn a_scheme_is_cut_off_a_plain_authority() {
        let repaired = repair(0, &block(b"http://host:2379", false));
        assert_eq!(repaired, Some(block(b"host:2379", false)));
        assert_eq!(repair(0, &block(b"host:2379", false)), None);
    }

    /// As in RFC 7541, with the padding.
    fn encode(text: &[u8]) -> Vec<u8> {
        let mut bits = String::new();
        for character in text {
            let code = CODES.iter().find_map(|(length, first, characters)| {
                let index = characters.iter().position(|known| known == character)?;
                Some(format!("{:0length$b}", first + index, length = *length as usize))
            });
            bits.push_str(&code.unwrap());
        }
        bits.extend(std::iter::repeat_n('1', bits.len().next_multiple_of(8) - bits.len()));
        let bytes = bits.as_bytes().chunks(8).map(|byte| std::str::from_utf8(byte).unwrap());
        bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 7541, C.4.1.
        let coded = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decode(&coded), Some(b"www.example.com".to_vec()));
        assert_eq!(encode(b"www.example.com"), coded);
        assert_eq!(decode(&[0xff, 0xff]), None);
    }

    #[test]
    fn a_scheme_is_cut_off_a_coded_authority() {
        for authority in ["127.0.0.1:2379", "localhost:9", "etcd-1.example.com:23799"] {
            let url = encode(format!("http://{authority}").as_bytes());
            let repaired = repair(0, &block(&url, true));
            assert_eq!(repaired, Some(block(authority.as_bytes(), false)));
            assert_eq!(repair(0, &block(&encode(authority.as_bytes()), true)), None);
        }
    }

    #[test]
    fn headers_are_found_between_other_frames_however_they_arrive() {
        let frame = |kind: u8, payload: &[u8]| {
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            [&length[1..], &[kind, 0x4, 0, 0, 0, 1], payload].concat()
        };
        let sent = |authority: &[u8]| {
            let headers = frame(HEADERS, &block(authority, false));
            [&[b'p'; PREFACE_BYTES], &frame(4, b"settings")[..], &headers, &frame(0, b"data")]
                .concat()
        };
        let (inner, _other) = tokio::io::duplex(1);
        let mut repaired = Repaired {
            inner: Box::new(inner),
            received: BytesMut::new(),
            repaired: BytesMut::new(),
            pass: PREFACE_BYTES,
        };
        for byte in sent(b"http://h:1") {
            repaired.received.extend_from_slice(&[byte]);
            repaired.look_through();
        }
        assert_eq!(repaired.repaired, sent(b"h:1"));
    }
}
