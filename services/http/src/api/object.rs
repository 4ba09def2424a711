//! Objects within bodies, read from JSON objects only: serde would take an array too, its items for
//! the fields in their order. Of a whole body `extract::Json` sees to that.
//!
//! For `#[serde(deserialize_with)]`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

pub fn many<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let many = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(many.into_iter().map(|Object(one)| one).collect())
}

pub fn optional<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let given = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(given.map(|Object(one)| one))
}

pub fn optional_many<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let given = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(given.map(|many| many.into_iter().map(|Object(one)| one).collect()))
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(OnlyObject(PhantomData)).map(Object)
    }
}

struct OnlyObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyObject<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}
