//! A request, taken apart but not yet understood.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Code, S3Error};

/// Everything but what RFC 3986 leaves unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');

const MAX_KEY_BYTES: usize = 1024;

/// Encodes as signatures want it.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The same, for paths.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_BUT_SLASH).to_string()
}

/// The same in the other direction.
pub fn decode(text: &str) -> Result<String, S3Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|it| it.into_owned()).map_err(|_| Code::InvalidURI.into())
}

/// Parameters in the order in which they came, decoded.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: &str) -> Result<Query, S3Error> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let spaces = |text: &str| text.replace('+', " ");
            Ok((decode(&spaces(name))?, decode(&spaces(value))?))
        });
        pairs.collect::<Result<_, S3Error>>().map(Query)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A parameter that counts; absent ones are `default`.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, S3Error> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else { return Ok(default) };
        let max = i32::MAX as usize;
        let number = text.parse().ok().filter(|number| *number <= max);
        number.ok_or_else(|| {
            let message = match text.strip_prefix('-').map(str::parse::<u32>) {
                Some(Ok(_)) => format!("Argument {name} must be an integer between 0 and {max}"),
                _ => format!("Provided {name} not an integer or within integer range"),
            };
            S3Error::argument(name, text, message)
        })
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// All of a request but its body.
#[derive(Debug, Clone)]
pub struct Head {
    pub method: Method,
    /// As it came.
    pub raw_path: String,
    /// The same, decoded.
    pub path: String,
    pub query: Query,
    pub headers: HeaderMap,
    pub bucket: Option<String>,
    pub key: Option<String>,
    /// The bucket was named by the host, not by the path.
    pub named_by_host: bool,
}

impl Head {
    /// `domain`: a host `bucket.domain` names a bucket, and the path then only a key.
    pub fn parse(
        method: Method,
        uri: &Uri,
        mut headers: HeaderMap,
        domain: Option<&str>,
    ) -> Result<Head, S3Error> {
        let path = decode(uri.path())?;
        let query = Query::parse(uri.query().unwrap_or_default())?;
        hoist(&query, &mut headers);
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        let host = host.map(|host| host.rsplit_once(':').map_or(host, |(host, _port)| host));
        let virtual_bucket = match (host, domain) {
            (Some(host), Some(domain)) => {
                host.strip_suffix(domain).and_then(|bucket| bucket.strip_suffix('.'))
            }
            _ => None,
        };
        let rest = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = match virtual_bucket {
            Some(bucket) => (bucket, rest),
            None => rest.split_once('/').unwrap_or((rest, "")),
        };
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (bucket, key) = (some(bucket), some(key));
        check_key(key.as_deref().unwrap_or_default())?;
        let (raw_path, named_by_host) = (uri.path().to_owned(), virtual_bucket.is_some());
        Ok(Head { method, raw_path, path, query, headers, bucket, key, named_by_host })
    }

    /// Names an object that the path did not name.
    pub fn set_key(&mut self, key: &str) -> Result<(), S3Error> {
        check_key(key)?;
        if key.is_empty() {
            let message = "User key must have a length greater than 0.";
            return Err(S3Error::argument("key", "", message));
        }
        self.key = Some(key.to_owned());
        Ok(())
    }

    /// A header's text. Several of one name are one list.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut values = self.headers.get_all(name).iter();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut joined = text(values.next()?);
        values.for_each(|value| joined = format!("{joined},{}", text(value)));
        Some(joined)
    }

    pub fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }
}

fn check_key(key: &str) -> Result<(), S3Error> {
    if key.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    Err(S3Error::from(Code::KeyTooLongError)
        .with("Size", key.len())
        .with("MaxSizeAllowed", MAX_KEY_BYTES))
}

/// A presigned URL may hold headers of the service as parameters.
fn hoist(query: &Query, headers: &mut HeaderMap) {
    if !query.has("X-Amz-Signature") && !query.has("Signature") {
        return;
    }
    for (name, value) in query.pairs().filter(|(name, _)| name.starts_with("x-amz-")) {
        let header = HeaderName::from_bytes(name.as_bytes()).ok();
        if let Some((name, value)) = header.zip(HeaderValue::from_bytes(value.as_bytes()).ok()) {
            headers.entry(name).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str, host: &str) -> Result<Head, S3Error> {
        let headers = HeaderMap::from_iter([(http::header::HOST, host.parse().unwrap())]);
        Head::parse(Method::GET, &uri.parse().unwrap(), headers, Some("s3.test"))
    }

    #[test]
    fn buckets_are_named_by_path_or_by_host() {
        let names = |uri, host| {
            let head = head(uri, host).unwrap();
            (head.bucket.unwrap_or_default(), head.key.unwrap_or_default())
        };
        let both = |bucket: &str, key: &str| (bucket.to_owned(), key.to_owned());
        assert_eq!(names("/b/k%2Fl/m%20n", "s3.test:80"), both("b", "k/l/m n"));
        assert_eq!(names("/k/l", "b.c.s3.test:80"), both("b.c", "k/l"));
        assert_eq!(names("/b", "127.0.0.1"), both("b", ""));
        assert_eq!(names("/", "s3.test"), both("", ""));
        assert_eq!(names("/b//k", "s3.test"), both("b", "/k"));
    }

    #[test]
    fn a_presigned_url_may_hold_headers() {
        let meta = |uri| head(uri, "s3.test").unwrap().header("x-amz-meta-a");
        assert_eq!(meta("/b/k?X-Amz-Signature=s&x-amz-meta-a=1").as_deref(), Some("1"));
        assert_eq!(meta("/b/k?x-amz-meta-a=1"), None);
    }

    #[test]
    fn keys_that_are_too_long_or_no_text_are_refused() {
        let code = |uri: &str| head(uri, "s3.test").unwrap_err().code;
        assert_eq!(code(&format!("/b/{}", "k".repeat(1025))), Code::KeyTooLongError);
        assert_eq!(code("/b/%ff"), Code::InvalidURI);
        assert!(head(&format!("/b/{}", "k".repeat(1024)), "s3.test").is_ok());
    }
}
