//! `drydock variable`.

use drydock_api::configstore::scoped::VariableKind;
use drydock_api::configstore::types::{
    NewVariable, VariableChange, VariableValue, When, WhenConditions,
};

use super::args::{ValueArgs, VariableAction};
use super::scoped;
use super::scoped::ScopedAction;
use super::session::Session;
use crate::cli::exit::Failure;

pub async fn run(session: Session, action: VariableAction) -> Result<(), Failure> {
    let action = match action {
        VariableAction::List(list) => ScopedAction::List(list),
        VariableAction::Create { name, values, scope } => {
            let new = NewVariable { name: name.to_string(), values: parse(&values)? };
            ScopedAction::Create(new, scope)
        }
        VariableAction::Update { variable, values, scope } => {
            let change = VariableChange { name: None, values: Some(parse(&values)?) };
            ScopedAction::Update(variable, change, scope)
        }
        VariableAction::Delete { variable, scope } => ScopedAction::Delete(variable, scope),
    };
    scoped::run::<VariableKind>(session, "variable", action).await
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
