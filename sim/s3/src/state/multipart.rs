//! Uploads in parts.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, NewObject};
use super::condition::WriteConditions;
use super::object::{Tags, body};
use crate::error::{Code, S3Error};
use crate::wire::digest::{Algorithm, Checksum, Kind, base64, md5, unbase64};

/// Of every part but the last.
pub const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    pub initiated: Timestamp,
    pub parts: BTreeMap<u16, Part>,
    new: NewUpload,
}

/// What the object will have besides its body.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NewUpload {
    pub headers: BTreeMap<String, String>,
    pub tags: Tags,
    pub checksum: Option<(Algorithm, Kind)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    #[serde(with = "body")]
    pub body: Bytes,
    pub etag: String,
    pub modified: Timestamp,
    pub checksum: Option<Checksum>,
}

/// What a completed upload made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    pub etag: String,
    pub checksum: Option<Checksum>,
}

/// How an upload ended, for those who ask again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Completed {
    at: Timestamp,
    key: String,
    made: Made,
}

/// A part as the completing request lists it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub number: u16,
    pub etag: String,
    pub checksums: Vec<(Algorithm, String)>,
}

/// What whoever completes an upload says of the object that it makes.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    pub checksums: Vec<(Algorithm, String)>,
    pub kind: Option<Kind>,
    pub size: Option<u64>,
}

impl Claims {
    fn check(&self, object: &NewObject, asked: Option<(Algorithm, Kind)>) -> Result<(), S3Error> {
        let refused = |message: String| Err(S3Error::new(Code::InvalidRequest, message));
        let size = object.body.len() as u64;
        if let Some(said) = self.size.filter(|said| *said != size) {
            return refused(format!(
                "The provided 'x-amz-mp-object-size' header value {said} does not match what was \
                 computed: {size}"
            ));
        }
        if let (Some(said), Some((_, kind))) = (self.kind, asked)
            && said != kind
        {
            return refused(format!(
                "The upload was created using the {} checksum mode. The complete request must use \
                 the same checksum mode.",
                kind.name()
            ));
        }
        for (algorithm, said) in &self.checksums {
            if let Some((asked, _)) = asked
                && asked != *algorithm
            {
                return refused(format!(
                    "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum \
                     Type: {}",
                    asked.name().to_ascii_lowercase(),
                    algorithm.name().to_ascii_lowercase()
                ));
            }
            let sum = said.split_once('-').map_or(said.as_str(), |(sum, _parts)| sum);
            if unbase64(sum).is_none_or(|sum| sum.len() != algorithm.of(&[]).len()) {
                let name = algorithm.header();
                return refused(format!("Value for {name} header is invalid."));
            }
            let kept = object.checksum.as_ref().map(|it| it.value.clone());
            let computed = kept.unwrap_or_else(|| Checksum::of(*algorithm, &object.body).value);
            if *said != computed {
                return Err(S3Error::mismatch(algorithm.name()));
            }
        }
        Ok(())
    }
}

impl Upload {
    pub fn checksum(&self) -> Option<(Algorithm, Kind)> {
        self.new.checksum
    }

    pub fn storage_class(&self) -> &str {
        self.new.headers.get("x-amz-storage-class").map_or("STANDARD", String::as_str)
    }

    /// The object that the listed parts make, its ETag and the sizes of its parts.
    fn assemble(&self, listed: &[Listed]) -> Result<(NewObject, String, Vec<u64>), S3Error> {
        if listed.is_empty() {
            return Err(Code::MalformedXML.into());
        }
        if !listed.is_sorted_by(|one, next| one.number < next.number) {
            return Err(Code::InvalidPartOrder.into());
        }
        let parts = listed.iter().map(|listed| self.part(listed)).collect::<Result<Vec<_>, _>>()?;
        for (part, listed) in parts.iter().zip(listed).take(parts.len() - 1) {
            if part.body.len() < MIN_PART_BYTES {
                return Err(S3Error::from(Code::EntityTooSmall)
                    .with("ProposedSize", part.body.len())
                    .with("MinSizeAllowed", MIN_PART_BYTES)
                    .with("PartNumber", listed.number)
                    .with("ETag", &part.etag));
            }
        }
        let mut body = BytesMut::new();
        let mut digests = Vec::new();
        for part in &parts {
            body.extend_from_slice(&part.body);
            digests.extend(hex::decode(&part.etag).expect("ETags of parts are hexadecimal"));
        }
        let etag = format!("{}-{}", hex::encode(md5(&digests)), parts.len());
        let new = NewObject {
            checksum: self.new.checksum.map(|how| checksum(how, &body, &parts)),
            body: body.freeze(),
            headers: self.new.headers.clone(),
            tags: self.new.tags.clone(),
        };
        Ok((new, etag, parts.iter().map(|part| part.body.len() as u64).collect()))
    }

    fn part(&self, listed: &Listed) -> Result<&Part, S3Error> {
        let same_sum = |part: &Part, (algorithm, value): &(Algorithm, String)| {
            base64(&algorithm.of(&part.body)) == *value
        };
        let part = self.parts.get(&listed.number).filter(|part| {
            part.etag == listed.etag && listed.checksums.iter().all(|it| same_sum(part, it))
        });
        part.ok_or_else(|| {
            S3Error::from(Code::InvalidPart)
                .with("PartNumber", listed.number)
                .with("ETag", &listed.etag)
        })
    }
}

fn checksum((algorithm, kind): (Algorithm, Kind), body: &[u8], parts: &[&Part]) -> Checksum {
    if kind == Kind::FullObject {
        return Checksum::of(algorithm, body);
    }
    let stored = |part: &&Part| {
        let sent = part.checksum.as_ref().filter(|it| it.algorithm == algorithm);
        let sent = sent.and_then(|it| unbase64(&it.value));
        sent.unwrap_or_else(|| algorithm.of(&part.body))
    };
    let sums: Vec<u8> = parts.iter().flat_map(stored).collect();
    let value = format!("{}-{}", base64(&algorithm.of(&sums)), parts.len());
    Checksum { algorithm, kind, value }
}

impl Bucket {
    pub fn begin_upload(&mut self, key: &str, id: String, new: NewUpload, now: Timestamp) {
        let upload = Upload { initiated: now, parts: BTreeMap::new(), new };
        self.uploads.entry(key.to_owned()).or_default().insert(id, upload);
    }

    pub fn upload(&self, key: &str, id: &str) -> Result<&Upload, S3Error> {
        let found = self.uploads.get(key).and_then(|uploads| uploads.get(id));
        found.ok_or_else(|| S3Error::from(Code::NoSuchUpload).with("UploadId", id))
    }

    /// All uploads under way, by key and age.
    pub fn uploads(&self) -> impl Iterator<Item = (&str, &str, &Upload)> {
        self.uploads.iter().flat_map(|(key, uploads)| {
            uploads.iter().map(move |(id, upload)| (key.as_str(), id.as_str(), upload))
        })
    }

    /// The last writer of a part wins.
    pub fn put_part(
        &mut self,
        key: &str,
        id: &str,
        number: u16,
        body: Bytes,
        checksum: Option<Checksum>,
        now: Timestamp,
    ) -> Result<&Part, S3Error> {
        self.upload(key, id)?;
        let uploads = self.uploads.get_mut(key);
        let upload = uploads.and_then(|it| it.get_mut(id)).expect("it was there a line ago");
        let etag = hex::encode(md5(&body));
        upload.parts.insert(number, Part { body, etag, modified: now, checksum });
        Ok(&upload.parts[&number])
    }

    pub fn abort_upload(&mut self, key: &str, id: &str) -> Result<(), S3Error> {
        self.upload(key, id)?;
        self.end_upload(key, id);
        Ok(())
    }

    /// Makes the parts an object. Asked again a while later, it says so again.
    pub fn complete_upload(
        &mut self,
        key: &str,
        id: &str,
        listed: &[Listed],
        conditions: &WriteConditions,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Made, S3Error> {
        if let Some(done) = self.completed.get(id).filter(|done| done.key == key) {
            return Ok(done.made.clone());
        }
        let upload = self.upload(key, id)?;
        let (new, etag, sizes) = upload.assemble(listed)?;
        claims.check(&new, upload.checksum())?;
        let object = self.replace(key, new, etag, sizes, conditions, now)?;
        self.end_upload(key, id);
        let made = Made { etag: object.etag.clone(), checksum: object.checksum.clone() };
        let done = Completed { at: now, key: key.to_owned(), made: made.clone() };
        self.completed.insert(id.to_owned(), done);
        Ok(made)
    }

    pub(super) fn forget_completed(&mut self, before: Timestamp) {
        self.completed.retain(|_, done| done.at > before);
    }

    fn end_upload(&mut self, key: &str, id: &str) {
        if let Some(uploads) = self.uploads.get_mut(key) {
            uploads.remove(id);
            if uploads.is_empty() {
                self.uploads.remove(key);
            }
        }
    }
}
