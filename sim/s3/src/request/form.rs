//! An upload from a form, taken apart.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::error::{Code, S3Error};

/// The service ignores what comes behind the file, so it is the end of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// By name in lower case.
    pub fields: BTreeMap<String, String>,
    pub file: Bytes,
}

impl Form {
    pub fn parse(content_type: &str, body: &Bytes) -> Result<Form, S3Error> {
        let boundary = content_type.split_once("boundary=").map(|(_, rest)| rest.trim_matches('"'));
        let boundary = boundary.filter(|it| !it.is_empty()).ok_or_else(malformed)?;
        let delimiter = format!("\r\n--{boundary}");
        let mut rest = body.slice(after(body, &delimiter[2..])?..);
        let mut fields = BTreeMap::new();
        while rest.starts_with(b"\r\n") {
            let end = after(&rest, &delimiter)?;
            let part = rest.slice(2..end - delimiter.len());
            rest = rest.slice(end..);
            let content = after(&part, "\r\n\r\n")?;
            let head = String::from_utf8_lossy(&part[..content]).into_owned();
            let name = parameter(&head, "name").ok_or_else(malformed)?.to_ascii_lowercase();
            let content = part.slice(content..);
            if name == "file" {
                let file_name = parameter(&head, "filename").unwrap_or_default();
                fields.entry("key".to_owned()).and_modify(|key: &mut String| {
                    *key = key.replace("${filename}", file_name);
                });
                return Ok(Form { fields, file: content });
            }
            let text = String::from_utf8(content.into()).map_err(|_| malformed())?;
            fields.insert(name, text);
        }
        let message = "POST requires exactly one file upload per request.";
        Err(S3Error::argument("file", "0", message))
    }
}

/// A parameter of the part's disposition.
fn parameter<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = head.split_once(&format!("; {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Where the text ends that is looked for.
fn after(bytes: &[u8], text: &str) -> Result<usize, S3Error> {
    let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
    found.map(|at| at + text.len()).ok_or_else(malformed)
}

fn malformed() -> S3Error {
    let message = "The body of your POST request is not well-formed multipart/form-data.";
    S3Error::new(Code::MalformedPOSTRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=b0";

    fn parse(parts: &[&str], end: &str) -> Result<Form, S3Error> {
        let parts: String = parts.iter().map(|part| format!("--b0\r\n{part}\r\n")).collect();
        Form::parse(TYPE, &Bytes::from(parts + end))
    }

    #[test]
    fn a_form_is_fields_and_then_a_file() {
        let key = "Content-Disposition: form-data; name=\"Key\"\r\n\r\nto/${filename}";
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
            Content-Type: text/plain\r\n\r\none\r\n--two";
        let form = parse(&[key, file], "--b0--\r\n").unwrap();
        assert_eq!(form.fields, [("key".to_owned(), "to/a.txt".to_owned())].into());
        assert_eq!(form.file, "one\r\n--two");
    }

    #[test]
    fn what_is_no_form_or_has_no_file_is_refused() {
        let code = |form: Result<Form, S3Error>| form.unwrap_err().code;
        let key = "Content-Disposition: form-data; name=\"key\"\r\n\r\nk";
        assert_eq!(code(parse(&[key], "--b0--\r\n")), Code::InvalidArgument);
        assert_eq!(code(parse(&[key], "")), Code::MalformedPOSTRequest);
        assert_eq!(code(Form::parse("multipart/form-data", &Bytes::new())), {
            Code::MalformedPOSTRequest
        });
    }
}
