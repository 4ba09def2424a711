//! Pages of a listing: keys in byte order, rolled up at a delimiter.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum After {
    #[default]
    Start,
    /// After this key. A common prefix that equals it was given already.
    Key(String),
    /// After everything that begins with this.
    Prefix(String),
}

#[derive(Debug, Clone, Default)]
pub struct Selection {
    pub prefix: String,
    pub delimiter: Option<String>,
    pub after: After,
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<V> {
    Key(String, V),
    Prefix(String),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Page<V> {
    pub entries: Vec<Entry<V>>,
    /// There is more, after this.
    pub next: Option<After>,
}

/// The entries of `map` that `selection` asks for and `view` shows.
pub fn page<'a, T, V>(
    map: &'a BTreeMap<String, T>,
    selection: &Selection,
    view: impl Fn(&'a T) -> Option<V>,
) -> Page<V> {
    let mut entries: Vec<Entry<V>> = Vec::new();
    if selection.limit == 0 {
        return Page { entries, next: None };
    }
    let mut from = Some(selection.begin());
    while let Some(bound) = from {
        let mut rest = map.range::<str, _>((as_str(&bound), Bound::Unbounded));
        let Some((key, value)) = rest.next() else { break };
        if !key.starts_with(&selection.prefix) {
            break;
        }
        from = Some(Bound::Excluded(key.clone()));
        let Some(value) = view(value) else { continue };
        let entry = match selection.rolled_up(key) {
            Some(common) => {
                from = behind(common).map(Bound::Included);
                if selection.after == After::Key(common.to_owned()) {
                    continue;
                }
                Entry::Prefix(common.to_owned())
            }
            None => Entry::Key(key.clone(), value),
        };
        if entries.len() == selection.limit {
            let next = entries.last().map(|last| match last {
                Entry::Key(key, _) => After::Key(key.clone()),
                Entry::Prefix(prefix) => After::Prefix(prefix.clone()),
            });
            return Page { entries, next };
        }
        entries.push(entry);
    }
    Page { entries, next: None }
}

impl Selection {
    fn begin(&self) -> Bound<String> {
        let after = match &self.after {
            After::Start => return Bound::Included(self.prefix.clone()),
            After::Key(key) => Bound::Excluded(key.clone()),
            After::Prefix(prefix) => match behind(prefix) {
                Some(first) => Bound::Included(first),
                // Nothing is behind it, and nothing follows itself.
                None => Bound::Excluded(char::MAX.to_string().repeat(256)),
            },
        };
        match &after {
            Bound::Included(key) | Bound::Excluded(key) if *key < self.prefix => {
                Bound::Included(self.prefix.clone())
            }
            _ => after,
        }
    }

    /// The common prefix that stands for `key`.
    fn rolled_up<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref().filter(|it| !it.is_empty())?;
        let start = self.prefix.len();
        let end = start + key[start..].find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }
}

fn as_str(bound: &Bound<String>) -> Bound<&str> {
    match bound {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// The first string behind all that begin with `prefix`.
fn behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Ranges of characters leave the surrogates out.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(page: &Page<()>) -> Vec<String> {
        let text = |entry: &Entry<()>| match entry {
            Entry::Key(key, ()) => key.clone(),
            Entry::Prefix(prefix) => format!("{prefix}*"),
        };
        page.entries.iter().map(text).collect()
    }

    fn bucket(keys: &[&str]) -> BTreeMap<String, bool> {
        keys.iter().map(|key| (key.to_string(), true)).collect()
    }

    fn shown(seen: &bool) -> Option<()> {
        seen.then_some(())
    }

    #[test]
    fn keys_are_in_byte_order_and_a_prefix_stands_for_all_below_it() {
        let map = bucket(&["a-b", "a/1", "a/2", "a/b/3", "a0", "b", "é"]);
        let by = |prefix: &str, after: After| Selection {
            prefix: prefix.to_owned(),
            delimiter: Some("/".to_owned()),
            after,
            limit: 10,
        };
        let list = |selection: &Selection| texts(&page(&map, selection, shown));
        assert_eq!(list(&by("", After::Start)), ["a-b", "a/*", "a0", "b", "é"]);
        assert_eq!(list(&by("a/", After::Start)), ["a/1", "a/2", "a/b/*"]);
        assert_eq!(list(&by("", After::Key("a/".to_owned()))), ["a0", "b", "é"]);
        assert_eq!(list(&by("", After::Key("a/1".to_owned()))), ["a/*", "a0", "b", "é"]);
        assert_eq!(list(&by("", After::Prefix("a/".to_owned()))), ["a0", "b", "é"]);
    }

    #[test]
    fn what_is_hidden_makes_no_prefix_and_a_limit_of_nothing_gives_nothing() {
        let map = BTreeMap::from([("a/1".to_owned(), false), ("b".to_owned(), true)]);
        let selection =
            Selection { delimiter: Some("/".to_owned()), limit: 5, ..Default::default() };
        assert_eq!(texts(&page(&map, &selection, shown)), ["b"]);
        let none = Selection { limit: 0, ..selection };
        assert_eq!(page(&map, &none, shown), Page { entries: Vec::new(), next: None });
    }

    proptest! {
        /// Pages of any size, laid end to end, are the listing in one piece.
        #[test]
        fn pages_make_up_the_whole(
            keys in proptest::collection::btree_set("[ab/\u{10ffff}]{1,5}", 0..30),
            prefix in "[ab/]{0,2}",
            delimiter in proptest::option::of("[b/]{1,2}"),
            limit in 1..5_usize,
        ) {
            let map: BTreeMap<String, bool> = keys.into_iter().map(|key| (key, true)).collect();
            let mut selection = Selection { prefix, delimiter, after: After::Start, limit: 1000 };
            let whole = texts(&page(&map, &selection, shown));
            selection.limit = limit;
            let mut joined = Vec::new();
            loop {
                let page = page(&map, &selection, shown);
                prop_assert!(page.entries.len() <= limit);
                joined.extend(texts(&page));
                match page.next {
                    Some(next) => selection.after = next,
                    None => break,
                }
            }
            prop_assert_eq!(joined, whole);
        }
    }
}
