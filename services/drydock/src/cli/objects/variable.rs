//! `drydock variable`.

use drydock_api::configstore::types::{
    NewVariable, TreeQuery, VariableChange, VariableValue, When, WhenConditions,
};

use super::args::{ListOfPlace, ValueArgs, VariableAction};
use super::session::{Session, failed};
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: VariableAction) -> Result<(), Failure> {
    let Session { objects, ctx, .. } = &session;
    match action {
        VariableAction::List(ListOfPlace { tree, place }) => {
            let place = place.place();
            let page =
                async |query| objects.variables(ctx, &place, &TreeQuery::new(query, tree)).await;
            session.list(&session.all(page).await?, &["name", "parent.path", "updated_at"])
        }
        VariableAction::Create { name, values, place } => {
            let new = NewVariable { name: name.to_string(), values: parse(&values)? };
            let created = objects.create_variable(ctx, &place.place(), &new, None).await;
            session.show(&created.map_err(failed)?.body)
        }
        VariableAction::Update { variable, values, place } => {
            let change = VariableChange { name: None, values: Some(parse(&values)?) };
            let changed =
                objects.update_variable(ctx, &place.place(), &variable, &change, None).await;
            session.show(&changed.map_err(failed)?.body)
        }
        VariableAction::Delete { variable, place } => {
            session.confirm(async { Ok(format!("variable `{variable}` goes")) }).await?;
            let deleted = objects.delete_variable(ctx, &place.place(), &variable, None).await;
            deleted.map_err(failed)?;
            session.done(format!("deleted variable `{variable}`"))
        }
    }
}

fn parse(ValueArgs { values }: &ValueArgs) -> Result<Vec<VariableValue>, Failure> {
    values.iter().map(|text| value(text)).collect()
}

fn value(text: &str) -> Result<VariableValue, Failure> {
    let wrong = || Failure::Usage(format!("`{text}` is not `SECRET.KEY` or `SECRET.KEY@BRANCHES`"));
    let (secret, key) = text.split_once('.').ok_or_else(wrong)?;
    let (key, branches) = match key.rsplit_once('@') {
        Some((key, branches)) => (key, Some(branches)),
        None => (key, None),
    };
    let when = branches.map(|branches| When {
        branch: Some(WhenConditions { include: vec![branches.to_owned()], exclude: Vec::new() }),
        ..When::default()
    });
    Ok(VariableValue {
        secret_name: secret.parse().map_err(|_| wrong())?,
        secret_var: key.to_owned(),
        when,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_name_a_secret_a_key_and_maybe_branches() {
        let plain = value("deploy.key").unwrap();
        assert_eq!((plain.secret_name.as_str(), &*plain.secret_var), ("deploy", "key"));
        assert_eq!(plain.when, None);
        let some = value("deploy.my.key@release/*").unwrap();
        assert_eq!(some.secret_var, "my.key");
        assert_eq!(some.when.unwrap().branch.unwrap().include, ["release/*"]);
        for bad in ["deploy", ".key", "a b.key"] {
            assert!(matches!(value(bad), Err(Failure::Usage(_))), "{bad}");
        }
    }
}
