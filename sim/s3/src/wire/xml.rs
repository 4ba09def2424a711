//! Writing and reading S3's documents.

use std::fmt::Display;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::{Code, S3Error};

pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document in the making.
#[derive(Debug, Default)]
pub struct Xml(String);

impl Xml {
    /// A document in S3's namespace.
    pub fn document(root: &str, fill: impl FnOnce(&mut Xml)) -> Bytes {
        let mut xml = Xml(format!("{DECLARATION}<{root} xmlns=\"{NAMESPACE}\">"));
        fill(&mut xml);
        xml.close(root);
        xml.0.into()
    }

    /// A document in no namespace, as errors are.
    pub fn bare(root: &str, fill: impl FnOnce(&mut Xml)) -> Bytes {
        let mut xml = Xml(DECLARATION.to_owned());
        xml.node(root, fill);
        xml.0.into()
    }

    pub fn node(&mut self, name: &str, fill: impl FnOnce(&mut Xml)) -> &mut Xml {
        self.0.push_str(&format!("<{name}>"));
        fill(self);
        self.close(name);
        self
    }

    /// An element with text in it.
    pub fn leaf(&mut self, name: &str, text: impl Display) -> &mut Xml {
        let text = text.to_string();
        if text.is_empty() {
            self.0.push_str(&format!("<{name}/>"));
            return self;
        }
        self.node(name, |xml| xml.text(&text))
    }

    pub fn text(&mut self, text: &str) {
        text.chars().for_each(|it| self.escaped(it));
    }

    /// Markup as it is.
    pub fn raw(&mut self, markup: &str) -> &mut Xml {
        self.0.push_str(markup);
        self
    }

    pub fn maybe(&mut self, name: &str, text: Option<impl Display>) -> &mut Xml {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    fn close(&mut self, name: &str) {
        self.0.push_str(&format!("</{name}>"));
    }

    fn escaped(&mut self, it: char) {
        match it {
            '&' => self.0.push_str("&amp;"),
            '<' => self.0.push_str("&lt;"),
            '>' => self.0.push_str("&gt;"),
            '"' => self.0.push_str("&quot;"),
            // As the service does it: keys may hold what XML 1.0 has no way to say.
            it if it < ' ' => self.0.push_str(&format!("&#x{:x};", u32::from(it))),
            it => self.0.push(it),
        }
    }
}

/// Reads a document that a client sent.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, S3Error> {
    let text = std::str::from_utf8(body).map_err(|_| Code::MalformedXML)?;
    // These are in no document, not even escaped.
    if text.contains(|it: char| it < ' ' && !"\t\n\r".contains(it)) {
        return Err(Code::MalformedXML.into());
    }
    quick_xml::de::from_str(text).map_err(|_| Code::MalformedXML.into())
}

/// The document of an error.
pub fn error(error: &S3Error, resource: &str, request_id: &str, host_id: &str) -> Bytes {
    Xml::bare("Error", |xml| {
        xml.leaf("Code", error.code.name()).leaf("Message", &error.message);
        for (name, value) in &error.fields {
            xml.leaf(name, value);
        }
        xml.leaf("Resource", resource).leaf("RequestId", request_id).leaf("HostId", host_id);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_empty_elements_are_short() {
        let document = Xml::bare("A", |xml| {
            xml.leaf("Key", "a<&>\"\r").leaf("Prefix", "").maybe("Absent", None::<u32>);
        });
        let text = std::str::from_utf8(&document).unwrap();
        let expected = "<A><Key>a&lt;&amp;&gt;&quot;&#xd;</Key><Prefix/></A>";
        assert_eq!(text, format!("{DECLARATION}{expected}"));
    }

    #[test]
    fn characters_that_no_document_may_have_are_refused() {
        let text = |body: &[u8]| parse::<String>(body).map_err(|error| error.code);
        assert_eq!(text(b"<A>b\tc</A>").as_deref(), Ok("b\tc"));
        assert_eq!(text(b"<A>b\x01c</A>"), Err(Code::MalformedXML));
    }
}
