use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

fn masker(secrets: &[&str]) -> Masker {
    let mut masker = Masker::default();
    for secret in secrets {
        let _ = masker.add(secret.as_bytes());
    }
    masker
}

/// Masks a text that comes in the given parts.
fn masked<'a>(secrets: &[&str], parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let (mut masker, mut out) = (masker(secrets), Vec::new());
    parts.into_iter().for_each(|part| masker.write(part, &mut out));
    masker.finish(&mut out);
    String::from_utf8(out).unwrap()
}

fn whole(secrets: &[&str], text: &str) -> String {
    masked(secrets, [text.as_bytes()])
}

/// The same, done slowly: every place of every form is searched by itself.
fn reference(secrets: &[&str], text: &[u8]) -> Vec<u8> {
    let mut hidden = vec![false; text.len()];
    for form in secrets.iter().flat_map(|secret| forms(secret.as_bytes())) {
        for (at, window) in text.windows(form.len()).enumerate() {
            if window == form {
                hidden[at..at + form.len()].fill(true);
            }
        }
    }
    let mut out = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        if !hidden[at] {
            out.push(*byte);
        } else if at == 0 || !hidden[at - 1] {
            out.extend_from_slice(MASK);
        }
    }
    out
}

#[test]
fn every_form_is_masked_wherever_it_is_split() {
    let secret = "p4ss/wörd \"x\" <&+>\nsecond line of it\n";
    let trimmed = secret.trim();
    for (name, form) in [
        ("value", secret.to_owned()),
        ("value without the last newline", trimmed.to_owned()),
        ("value with carriage returns", trimmed.replace('\n', "\r\n")),
        ("first line", "p4ss/wörd \"x\" <&+>".to_owned()),
        ("second line", "second line of it".to_owned()),
        ("JSON", r#"p4ss/wörd \"x\" <&+>\nsecond line of it"#.to_owned()),
        ("JSON of Python", r#"p4ss/w\u00f6rd \"x\" <&+>\nsecond line of it"#.to_owned()),
        ("JSON of PHP", r#"p4ss\/wörd \"x\" <&+>\nsecond line of it"#.to_owned()),
        ("JSON of Go", r#"p4ss/wörd \"x\" \u003c\u0026+\u003e\nsecond line of it"#.to_owned()),
        ("URL", "p4ss%2Fw%C3%B6rd%20%22x%22%20%3C%26%2B%3E%0Asecond%20line%20of%20it".to_owned()),
        (
            "URL in lower case",
            "p4ss%2fw%c3%b6rd%20%22x%22%20%3c%26%2b%3e%0asecond%20line%20of%20it".to_owned(),
        ),
        ("form", "p4ss%2Fw%C3%B6rd+%22x%22+%3C%26%2B%3E%0Asecond+line+of+it".to_owned()),
    ] {
        let text = format!("before {form} after");
        for split in 0..=text.len() {
            let (first, second) = text.as_bytes().split_at(split);
            let out = masked(&[secret], [first, second]);
            assert_eq!(
                out.replace(['\r', '\n'], ""),
                "before *** after",
                "{name}, split at {split}"
            );
        }
    }
}

#[test]
fn base64_is_masked_at_every_alignment() {
    let secret = "t0k3n-ÿ?~secret";
    for before in 0..6 {
        for after in 0..6 {
            let value = format!("{}{secret}{}", "x".repeat(before), "y".repeat(after));
            for encoded in [STANDARD.encode(&value), URL_SAFE_NO_PAD.encode(&value)] {
                for split in 0..=encoded.len() {
                    let (first, second) = encoded.as_bytes().split_at(split);
                    let out = masked(&[secret], [first, second]);
                    // Left are at most what stands around it, two characters that hold bits of
                    // both sides, and the padding.
                    let left = out.replacen("***", "", 1);
                    let around = (before * 8).div_ceil(6) + (after * 8).div_ceil(6) + 3;
                    assert!(out.contains("***") && left.len() <= around, "{value}: {out}");
                    assert!(encoded.starts_with(out.split("***").next().unwrap()));
                }
            }
        }
    }
}

#[test]
fn a_secret_that_begins_inside_a_failed_one_is_masked() {
    assert_eq!(whole(&["aaab"], "aaaab"), "a***");
    assert_eq!(whole(&["abac-abad"], "abac-abac-abad"), "abac-***");
}

#[test]
fn of_secrets_where_one_begins_with_the_other_no_tail_is_left() {
    for secrets in [["pass", "password"], ["password", "pass"], ["word", "password"]] {
        assert_eq!(whole(&secrets, "a password."), "a ***.");
    }
    assert_eq!(whole(&["pass", "password"], "a passwor."), "a ***wor.");
    assert_eq!(whole(&["abcdef", "defghi"], "xabcdefghix"), "x***x");
    assert_eq!(whole(&["abcd-efgh", "cd-e"], "abcd-efg"), "ab***fg");
}

#[test]
fn only_a_possible_beginning_is_held_back() {
    let (mut masker, mut out) = (masker(&["secret"]), Vec::new());
    masker.write(b"no s", &mut out);
    assert_eq!(out, b"no ");
    masker.write(b"ecre", &mut out);
    assert_eq!(out, b"no ");
    masker.write(b"ts", &mut out);
    assert_eq!(out, b"no ***");
    masker.write(b"!", &mut out);
    assert_eq!(out, b"no ***s!");
    masker.write(b"sec", &mut out);
    masker.finish(&mut out);
    assert_eq!(out, b"no ***s!sec");
    // The next stream does not go on where this one ended.
    masker.write(b"ret", &mut out);
    assert_eq!(out, b"no ***s!secret");
}

#[test]
fn a_secret_that_is_added_is_masked_in_what_is_held_and_what_follows() {
    let (mut masker, mut out) = (masker(&["abcd-1"]), Vec::new());
    masker.write(b"x abcd", &mut out);
    masker.add(b"abcdefg").unwrap();
    masker.write(b"efg abcd-1", &mut out);
    masker.finish(&mut out);
    assert_eq!(out, b"x *** ***");
}

#[test]
fn what_cannot_be_masked_is_said() {
    let mut masker = Masker::default();
    assert_eq!(masker.add(b"abc"), Err(Unmaskable::TooShort));
    assert_eq!(masker.add(b" abc\n"), Err(Unmaskable::TooShort));
    assert_eq!(masker.add(b""), Err(Unmaskable::TooShort));
    assert_eq!(masker.add(&vec![b'a'; MAX_LENGTH + 1]), Err(Unmaskable::TooLong));
    let many = (0..1000).find_map(|n| masker.add(format!("{n:016000}").as_bytes()).err());
    assert_eq!(many, Some(Unmaskable::TooMany));
    assert_eq!(whole(&["abc"], "abc abc"), "abc abc");
}

fn text(letters: &'static str, length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letter = prop::sample::select(letters.chars().collect::<Vec<_>>());
    prop::collection::vec(letter, length).prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_stream_is_masked_like_a_whole_text(
        secrets in prop::collection::vec(text("ab\n\"/ é", 4..10), 1..4),
        // Pieces of the text: a letter, or a form of a secret.
        pieces in prop::collection::vec((any::<u16>(), text("abc%\\", 0..3)), 0..12),
        sizes in prop::collection::vec(1usize..5, 1..8),
    ) {
        let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
        let known: Vec<_> = secrets.iter().flat_map(|it| forms(it.as_bytes())).collect();
        let mut text = Vec::new();
        for (pick, between) in pieces {
            text.extend_from_slice(between.as_bytes());
            if let Some(form) = known.get(usize::from(pick) % (known.len().max(1))) {
                // A part of a form as often as a whole one.
                let end = if pick % 3 == 0 { form.len() / 2 } else { form.len() };
                text.extend_from_slice(&form[..end]);
            }
        }
        let (mut masker, mut out) = (masker(&secrets), Vec::new());
        let (mut rest, mut size) = (text.as_slice(), sizes.iter().cycle());
        while !rest.is_empty() {
            let (part, left) = rest.split_at(rest.len().min(*size.next().unwrap()));
            masker.write(part, &mut out);
            rest = left;
        }
        masker.finish(&mut out);
        prop_assert_eq!(&out, &reference(&secrets, &text));
        for form in known {
            prop_assert!(!out.windows(form.len()).any(|window| window == form));
        }
    }

    #[test]
    fn ordinary_text_comes_through_unchanged(text in ".{0,200}", size in 1usize..7) {
        let secrets = ["\u{1}never\u{2}printed", "\u{1}nor this one\u{1}"];
        let out = masked(&secrets, text.as_bytes().chunks(size));
        prop_assert_eq!(out, text);
    }
}
