//! `drydock secret`. Values come from files or stdin, never from the command line, which others
//! see.

use std::collections::BTreeMap;
use std::io::Read;

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

fn read(DataArgs { data }: DataArgs) -> Result<SecretData, Failure> {
    let mut read = BTreeMap::new();
    for entry in data {
        let Some((key, file)) = entry.split_once('=') else {
            return Err(Failure::Usage(format!("`{entry}` is not `KEY=FILE`")));
        };
        let mut text = String::new();
        let content = match file {
            STDIN => std::io::stdin().read_to_string(&mut text).map(|_| text),
            file => std::fs::read_to_string(file),
        };
        let content = content.map_err(|error| Failure::because(format!("`{file}`"), error))?;
        let content = content.strip_suffix('\n').unwrap_or(&content);
        if read.insert(key.to_owned(), content.to_owned()).is_some() {
            return Err(Failure::Usage(format!("the key `{key}` is given twice")));
        }
    }
    Ok(read)
}
