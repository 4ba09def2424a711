use rusqlite::Row;
use rusqlite::types::Type;
use uuid::Uuid;

/// The first column, an id.
pub fn id(row: &Row<'_>) -> rusqlite::Result<Uuid> {
    let text = row.get_ref(0)?.as_str()?;
    Uuid::parse_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}
