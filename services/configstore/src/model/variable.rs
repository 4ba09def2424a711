use drydock_api::configstore::types::Scope;
use drydock_core::db::{DbError, Tx};

use crate::record::Variable;

/// All variables that are defined in these scopes, in the order of the scopes, then by name.
pub fn all(tx: &Tx<'_>, scopes: &[Scope]) -> Result<Vec<Variable>, DbError> {
    let sql = "SELECT v.data FROM json_each (?1) scope
        JOIN variables v ON v.project = scope.value OR v.project_group = scope.value
        ORDER BY scope.key, v.name";
    tx.query_objects(sql, [super::tree::ids(scopes)])
}
