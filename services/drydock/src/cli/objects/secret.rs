//! `drydock secret`. Values come from files or stdin, never from the command line, which others
//! see.

use std::collections::BTreeMap;
use std::io::Read;

use drydock_api::configstore::types::{NewSecret, SecretChange, TreeQuery};

use super::args::{DataArgs, ListOfPlace, SecretAction};
use super::session::{Session, failed};
use crate::cli::exit::Failure;

const STDIN: &str = "-";

pub async fn run(session: Session, action: SecretAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        SecretAction::List(ListOfPlace { tree, place }) => {
            let place = place.place();
            let page =
                async |query| objects.secrets(ctx, &place, &TreeQuery::new(query, tree)).await;
            session.list(&session.all(page).await?, &["name", "parent.path", "updated_at"])
        }
        SecretAction::Create { name, data, place } => {
            let new = NewSecret { name: name.to_string(), data: read(data)? };
            let created = objects.create_secret(ctx, &place.place(), &new, None).await;
            session.show(&created.map_err(failed)?.body)
        }
        SecretAction::Update { secret, data, place } => {
            let change = SecretChange { name: None, data: Some(read(data)?) };
            let changed = objects.update_secret(ctx, &place.place(), &secret, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        SecretAction::Delete { secret, place } => {
            let deleted = objects.delete_secret(ctx, &place.place(), &secret, None).await;
            deleted.map_err(failed)?;
            session.done(format!("deleted secret `{secret}`"))
        }
    }
}

fn read(DataArgs { data }: DataArgs) -> Result<BTreeMap<String, String>, Failure> {
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
