//! The picture of a run in a headless Chromium: what is there, keys, and nothing on the console.
//!
//! Needs a Chromium, which `DRYDOCK_TEST_CHROMIUM` names; so it is ignored unless it is asked for:
//! `cargo test --test picture -- --ignored --nocapture`, which also prints the time of a frame.

#[cfg(test)]
mod browser;
#[cfg(test)]
mod traces;

use serde_json::json;

use self::traces::{MANY, many, shown, story};

#[test]
#[ignore = "needs Chromium: `.ci/test` brings it"]
fn a_picture_is_read_by_eye_by_keys_and_by_text() {
    let (mut browser, _folder) = shown(&story());
    assert_eq!(browser.text("#title"), "made seed 7");
    assert_eq!(browser.text("#verdict"), "✖ violated: numbers: one is not two");
    let lanes = browser.evaluate("picture.view.places.map((place) => place.label)");
    assert_eq!(lanes, json!(["mode", "faults", "client-1", "server-1"]));
    // It opens at the violation, with both facts in view.
    assert!(browser.text("#details").contains("fact 1: it was 1"), "{}", browser.text("#details"));
    let view = browser.evaluate("[picture.view.from < 100, picture.view.to > 300]");
    assert_eq!(view, json!([true, true]));

    browser.press("Escape");
    assert_eq!(browser.text("#status"), "");
    browser.press("0");
    browser.press("ArrowRight");
    let status = "0.100 s client-1: ? get </script><img src=x> = open, no answer";
    assert_eq!(browser.text("#status"), status);
    browser.press("c");
    assert_eq!(browser.text("#status"), "0.120 s server-1: ✗ GET /needle = failed");
    let details = browser.text("#details");
    assert!(details.contains("Faults that touched it") && details.contains("cut server-1"));
    browser.press("p");
    assert_eq!(browser.text("#status"), status);
    browser.press("ArrowDown");
    assert_eq!(browser.text("#status"), "0.120 s server-1: ✗ GET /needle = failed");
    browser.press("v");
    assert_eq!(browser.text("#status"), "0.300 s run: one is not two");
    browser.press("f");
    assert!(browser.text("#status").contains("cut server-1"), "{}", browser.text("#status"));

    browser.press("/");
    for letter in "needle".chars() {
        browser.press(&letter.to_string());
    }
    browser.press("Enter");
    assert_eq!(browser.text("#matches"), "2 matches");
    let first = browser.text("#status");
    browser.press("n");
    assert_ne!(browser.text("#status"), first);
    browser.press("N");
    assert_eq!(browser.text("#status"), first);

    let span = "picture.view.to - picture.view.from";
    let before = browser.evaluate(span).as_f64().unwrap();
    browser.press("+");
    assert!(browser.evaluate(span).as_f64().unwrap() < before);
    browser.press("?");
    assert_eq!(browser.evaluate("document.getElementById('help').open"), json!(true));
    browser.press("Escape");
    browser.press("0");
    browser.settle();
    let listed = browser.text("#list");
    assert!(listed.contains("0.300 s client-1 call: ⊘ put needle = refused"), "{listed}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium: `.ci/test` brings it"]
fn a_picture_is_clicked_and_printed_and_texts_in_it_do_nothing() {
    let (mut browser, _folder) = shown(&story());
    browser.press("0");
    browser.press("Escape");
    browser.settle();
    let place = browser.evaluate(
        "(() => { const [box] = picture.view.boxes.filter((it) => it.n === 3); \
         const canvas = document.getElementById('canvas').getBoundingClientRect(); \
         return [canvas.left + (box.left + box.right) / 2, canvas.top + box.y + 5]; })()",
    );
    browser.click(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    assert_eq!(browser.evaluate("picture.view.selected"), json!(3));
    let images = browser.evaluate("document.images.length + document.scripts.length");
    assert_eq!(images, json!(2), "an image of a text, or a script");
    assert!(browser.printed() > 10_000);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "needs Chromium: `.ci/test` brings it"]
fn a_picture_of_many_events_is_drawn() {
    let (mut browser, _folder) = shown(&many());
    assert_eq!(browser.evaluate("picture.model.count"), json!(MANY));
    let times = browser.evaluate(
        "(() => { const { view, model } = picture; const times = {}; \
         for (const part of [1, 0.1, 0.01, 0.001]) { \
           view.look(model.last * (0.5 - part / 2), model.last * (0.5 + part / 2)); \
           const all = Array.from({ length: 20 }, () => view.drawNow()).sort((a, b) => a - b); \
           times[part] = [0, 10, 19].map((nth) => all[nth].toFixed(1)).join(' '); \
         } return times; })()",
    );
    println!("a frame of {MANY} events by the part in view (least, median, most ms): {times}");
    browser.press("0");
    browser.press("ArrowRight");
    assert_eq!(browser.text("#status"), "0.007 s client-1: ✓ call 1 = ok");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
