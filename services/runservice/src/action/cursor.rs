//! Cursors of events: a place in one lineage. A cursor of a lineage that was left says nothing
//! about the events of the current one.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The place after an event; 0: before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor {
    pub lineage: Uuid,
    pub seq: u64,
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lineage.simple(), self.seq)
    }
}

impl FromStr for EventCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<EventCursor, ()> {
        let (lineage, seq) = text.split_once('-').ok_or(())?;
        let lineage = Uuid::try_parse(lineage).map_err(|_| ())?;
        let cursor = EventCursor { lineage, seq: seq.parse().map_err(|_| ())? };
        // There is one way to write each.
        if cursor.to_string() == text { Ok(cursor) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let cursor = EventCursor { lineage: Uuid::from_u128(7), seq: 12 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let lineage = Uuid::from_u128(7);
        for text in ["", "7-12", "x", &format!("{lineage}-1"), &format!("{}-+1", lineage.simple())]
        {
            assert_eq!(text.parse::<EventCursor>(), Err(()), "{text}");
        }
    }
}
