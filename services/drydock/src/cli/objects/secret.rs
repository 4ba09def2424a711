//! `drydock secret`. Values come from files or stdin, never from the command line, which others
//! see.

use std::collections::BTreeMap;
use std::io::Read;

use base64::prelude::{BASE64_STANDARD, Engine};
use drydock_api::configstore::scoped::SecretKind;
use drydock_api::configstore::types::{NewSecret, SecretChange, SecretData};

use super::args::{DataArgs, SecretAction};
use super::scoped;
use super::scoped::ScopedAction;
use super::session::Session;
use crate::cli::exit::Failure;

const STDIN: &str = "-";

pub async fn run(session: Session, action: SecretAction) -> Result<(), Failure> {
    let action = match action {
        SecretAction::List(list) => ScopedAction::List(list),
        SecretAction::Create { name, data, scope } => {
            let new = NewSecret { name: name.to_string(), data: read(data)? };
            ScopedAction::Create(new, scope)
        }
        SecretAction::Update { secret, data, scope } => {
            let change = SecretChange { name: None, data: Some(read(data)?) };
            ScopedAction::Update(secret, change, scope)
        }
        SecretAction::Delete { secret, scope } => ScopedAction::Delete(secret, scope),
    };
    scoped::run::<SecretKind>(session, "secret", action).await
}

fn read(args: DataArgs) -> Result<SecretData, Failure> {
    let mut read = BTreeMap::new();
    let mut stdin_read = false;
    for entry in &args.data {
        let Some((key, file)) = entry.split_once('=') else {
            return Err(Failure::Usage(format!("`{entry}` is not `KEY=FILE`")));
        };
        if file == STDIN && std::mem::replace(&mut stdin_read, true) {
            return Err(Failure::Usage("stdin can be the value of one key only".to_owned()));
        }
        let bytes = match file {
            STDIN => {
                let mut bytes = Vec::new();
                std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
            }
            file => std::fs::read(file),
        };
        let bytes = bytes.map_err(|error| Failure::because(format!("`{file}`"), error))?;
        let Some(value) = value(bytes, &args) else {
            let why = format!("`{file}` is not UTF-8: pass `--base64` to keep it as base64");
            return Err(Failure::Usage(why));
        };
        if read.insert(key.to_owned(), value).is_some() {
            return Err(Failure::Usage(format!("the key `{key}` is given twice")));
        }
    }
    Ok(read)
}

/// The value of a key, byte for byte unless a flag says otherwise; `None` if it is not a text.
fn value(mut bytes: Vec<u8>, args: &DataArgs) -> Option<String> {
    if args.strip_newline && bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    match args.base64 {
        true => Some(BASE64_STANDARD.encode(bytes)),
        false => String::from_utf8(bytes).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(strip_newline: bool, base64: bool) -> DataArgs {
        DataArgs { data: Vec::new(), strip_newline, base64 }
    }

    #[test]
    fn a_value_is_the_files_bytes() {
        for text in ["", "\n", "a\n", "a\r\n", "\u{feff}a\0b\u{1b}\n\n"] {
            let read = value(text.as_bytes().to_vec(), &args(false, false));
            assert_eq!(read.as_deref(), Some(text));
        }
        assert_eq!(value(vec![b'a', 0xff], &args(false, false)), None);
    }

    #[test]
    fn a_flag_strips_one_line_break() {
        for (text, stripped) in
            [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a\r", "a\r"), ("", "")]
        {
            let read = value(text.as_bytes().to_vec(), &args(true, false));
            assert_eq!(read.as_deref(), Some(stripped), "{text:?}");
        }
    }

    #[test]
    fn base64_carries_any_bytes() {
        let read = value(vec![0, 0xff, b'\n'], &args(false, true)).unwrap();
        assert_eq!(read, "AP8K");
    }
}
