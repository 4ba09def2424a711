//! The space that a coordination store takes up, and how much of it may be used.

/// Of the members of a store the greatest numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// Bytes of keys and of history that is not dropped.
    pub used_bytes: u64,
    /// Bytes of the database's file; what is dropped is free in it.
    pub file_bytes: u64,
    /// The file's greatest size. Beyond it the store refuses writes.
    pub quota_bytes: u64,
    /// The last bytes of the quota, for what makes room and for operators.
    pub reserve_bytes: u64,
    /// Whether writes are refused for want of space (etcd's alarm NOSPACE is raised).
    pub is_full: bool,
}

impl Space {
    /// Whether history has to be dropped more eagerly than usual: a quarter is used.
    pub fn is_short(&self) -> bool {
        self.used_bytes >= self.quota_bytes / 4
    }

    /// Whether only the reserve is left.
    pub fn is_reserve(&self) -> bool {
        self.used_bytes >= self.quota_bytes.saturating_sub(self.reserve_bytes)
    }

    /// Why writes are refused, if they are: by the store, or because only the reserve is left.
    pub fn refusal(&self) -> Option<&'static str> {
        match (self.is_reserve(), self.is_full) {
            (_, true) => Some("the coordination store has no space left (NOSPACE)"),
            (true, false) => Some(
                "only the reserve of the coordination store's space is left: writes are refused",
            ),
            (false, false) => None,
        }
    }

    /// Whether giving free space back makes room for writes, or prevents that they are refused.
    pub fn is_worth_reclaiming(&self) -> bool {
        let sparse = self.used_bytes < self.file_bytes / 2;
        let large = self.file_bytes >= self.quota_bytes / 10 * 8;
        (self.is_full && !self.is_reserve()) || (large && sparse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_refused_before_the_reserve_is_used() {
        let used = |used_bytes, is_full| Space {
            used_bytes,
            quota_bytes: 100,
            reserve_bytes: 10,
            is_full,
            ..Space::default()
        };
        assert_eq!(used(89, false).refusal(), None);
        assert!(used(90, false).refusal().is_some_and(|why| why.contains("reserve")));
        // Keys may take little of a file that is full.
        assert!(used(20, true).refusal().is_some_and(|why| why.contains("NOSPACE")));
    }

    #[test]
    fn space_is_reclaimed_only_where_that_makes_room() {
        let space = |used_bytes, file_bytes, is_full| Space {
            used_bytes,
            file_bytes,
            quota_bytes: 100,
            reserve_bytes: 10,
            is_full,
        };
        assert!(!space(10, 40, false).is_worth_reclaiming());
        assert!(space(10, 85, false).is_worth_reclaiming());
        assert!(!space(60, 85, false).is_worth_reclaiming());
        assert!(space(60, 99, true).is_worth_reclaiming());
        assert!(!space(95, 99, true).is_worth_reclaiming(), "a defragmented file is full again");
        assert!(space(25, 30, false).is_short() && !space(24, 99, false).is_short());
    }
}
