//! Parts of an object's body.

use std::ops::Range;

use crate::error::{Code, S3Error};

/// The bytes that a `Range` header asks for. One that cannot be read, or that names several ranges,
/// is as if it were absent.
pub fn range(header: &str, size: u64) -> Result<Option<Range<u64>>, S3Error> {
    let unsatisfiable = || {
        S3Error::from(Code::InvalidRange)
            .with("RangeRequested", header)
            .with("ActualObjectSize", size)
    };
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|it| it.split_once('-'))
    else {
        return Ok(None);
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => {
            if count == 0 {
                return Err(unsatisfiable());
            }
            size.saturating_sub(count)..size
        }
        _ => return Ok(None),
    };
    if range.start >= size {
        return Err(unsatisfiable());
    }
    Ok(Some(range))
}

/// The bytes of one part.
pub fn part(number: &str, parts: &[u64], size: u64) -> Result<Range<u64>, S3Error> {
    let invalid = || {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        S3Error::argument("partNumber", number, message)
    };
    let number: usize = number.parse().map_err(|_| invalid())?;
    let whole = [size];
    let parts = if parts.is_empty() { &whole } else { parts };
    let index = number.checked_sub(1).ok_or_else(invalid)?;
    let length = parts.get(index).ok_or_else(|| {
        let message = "The requested partnumber is not satisfiable";
        S3Error::new(Code::InvalidRange, message).with("ActualPartCount", parts.len())
    })?;
    let start = parts[..index].iter().sum();
    Ok(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_at_the_end_refused_behind_it_or_ignored() {
        let of = |header| range(header, 10);
        assert_eq!(of("bytes=0-3"), Ok(Some(0..4)));
        assert_eq!(of("bytes=8-99"), Ok(Some(8..10)));
        assert_eq!(of("bytes=4-"), Ok(Some(4..10)));
        assert_eq!(of("bytes=-3"), Ok(Some(7..10)));
        assert_eq!(of("bytes=-30"), Ok(Some(0..10)));
        for ignored in ["bytes=3-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=-"] {
            assert_eq!(of(ignored), Ok(None), "{ignored}");
        }
        for refused in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of(refused).unwrap_err().code, Code::InvalidRange, "{refused}");
        }
        assert_eq!(range("bytes=0-", 0).unwrap_err().code, Code::InvalidRange);
    }

    #[test]
    fn parts_are_found_by_number() {
        assert_eq!(part("2", &[5, 3], 8), Ok(5..8));
        assert_eq!(part("1", &[], 8), Ok(0..8));
        assert_eq!(part("3", &[5, 3], 8).unwrap_err().code, Code::InvalidRange);
        assert_eq!(part("0", &[5, 3], 8).unwrap_err().code, Code::InvalidArgument);
    }
}
