//! Takes a body out of its wrapping and verifies it.

use bytes::{Bytes, BytesMut};

use super::signed::Payload;
use crate::error::{Code, S3Error};
use crate::request::head::Head;
use crate::wire::digest::sha256_hex;

/// The body that was meant, and the trailers behind it.
pub fn decode(
    head: &Head,
    payload: Payload,
    raw: Bytes,
) -> Result<(Bytes, Vec<(String, String)>), S3Error> {
    let (body, trailers) = match payload {
        Payload::Unsigned => (raw, Vec::new()),
        Payload::Hash(said) => {
            let computed = sha256_hex(&raw);
            if computed != said {
                return Err(S3Error::from(Code::XAmzContentSHA256Mismatch)
                    .with("ClientComputedContentSHA256", said)
                    .with("S3ComputedContentSHA256", computed));
            }
            (raw, Vec::new())
        }
        chunks @ Payload::Chunks { .. } => Chunks { rest: raw, payload: chunks }.decode()?,
    };
    let said = head.header("x-amz-decoded-content-length");
    if said.is_some_and(|said| said.parse() != Ok(body.len())) {
        return Err(Code::IncompleteBody.into());
    }
    Ok((body, trailers))
}

struct Chunks {
    rest: Bytes,
    payload: Payload,
}

impl Chunks {
    fn decode(mut self) -> Result<(Bytes, Vec<(String, String)>), S3Error> {
        let mut body = BytesMut::new();
        loop {
            let head = self.line()?;
            let (size, extension) = head.split_once(';').unwrap_or((&head, ""));
            let size = usize::from_str_radix(size.trim(), 16).map_err(|_| incomplete())?;
            if size > self.rest.len() {
                return Err(incomplete());
            }
            let data = self.rest.split_to(size);
            if let Payload::Chunks { chain: Some(chain), .. } = &mut self.payload {
                let signature = extension.trim().strip_prefix("chunk-signature=");
                let digests = [sha256_hex(b""), sha256_hex(&data)];
                let digests = digests.each_ref().map(String::as_str);
                chain.next("PAYLOAD", &digests, signature.unwrap_or_default())?;
            }
            body.extend_from_slice(&data);
            if size == 0 {
                return Ok((body.freeze(), self.trailers()?));
            }
            if !self.line()?.is_empty() {
                return Err(incomplete());
            }
        }
    }

    fn trailers(mut self) -> Result<Vec<(String, String)>, S3Error> {
        let mut trailers = Vec::new();
        let mut signature = None;
        // Some clients leave the last empty line out.
        while !self.rest.is_empty() {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            match name.as_str() {
                "x-amz-trailer-signature" => signature = Some(value),
                _ => trailers.push((name, value)),
            }
        }
        if let Payload::Chunks { chain: Some(mut chain), trailer: true } = self.payload {
            let signed: String =
                trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            let digest = sha256_hex(signed.as_bytes());
            chain.next("TRAILER", &[&digest], &signature.unwrap_or_default())?;
        }
        Ok(trailers)
    }

    fn line(&mut self) -> Result<String, S3Error> {
        let end = self.rest.iter().position(|it| *it == b'\n').ok_or_else(incomplete)?;
        let line = self.rest.split_to(end + 1);
        let text = std::str::from_utf8(&line).map_err(|_| incomplete())?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn incomplete() -> S3Error {
    Code::IncompleteBody.into()
}
