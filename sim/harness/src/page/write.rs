use crate::record::Trace;
use crate::record::trace::{OUTCOME, VIOLATION};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPTS: [&str; 4] = [
    include_str!("model.js"),
    include_str!("overlay.js"),
    include_str!("view.js"),
    include_str!("main.js"),
];

/// The page.
///
/// # Panics
/// Never: a trace is plain data.
pub fn page(trace: &Trace) -> String {
    let mut lines = vec![json(&trace.header)];
    lines.extend(trace.records.iter().map(json));
    let data = format!("[\n{}\n]", lines.join(",\n"));
    let script = SCRIPTS.concat();
    let title = escaped(&title(trace));
    // Each place is looked for in the template alone: anything may stand in a trace.
    let (mut page, mut rest) = (String::with_capacity(data.len() + script.len()), PAGE);
    for (place, part) in [
        ("{{title}}", &*title),
        ("{{style}}", STYLE),
        ("{{trace}}", &data),
        ("{{script}}", &script),
    ] {
        let (before, after) = rest.split_once(place).expect("the template has every place");
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page + rest
}

/// The run, and what came of it.
fn title(trace: &Trace) -> String {
    let found = |kind: &str| trace.records.iter().find(|it| it.kind == kind);
    let run = format!("{} seed {}", trace.header.scenario, trace.header.seed);
    match (found(VIOLATION), found(OUTCOME)) {
        (Some(violation), _) => {
            let oracle = violation.field("oracle").unwrap_or_default();
            format!("{run}: {oracle}: {}", violation.text())
        }
        (None, Some(outcome)) => format!("{run}: {}", outcome.text()),
        (None, None) => run,
    }
}

/// JSON that can stand in an element `script`, which ends at `</script` whatever is around it.
fn json(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(value).expect("a trace is plain data");
    // Outside of strings JSON has no such character.
    text.replace('<', "\\u003c")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = concat!(
        r#"{"trace":1,"program":"p","scenario":"s","seed":7,"fidelity":"f","hosts":["a"],"#,
        r#""plan":""}"#,
        "\n",
        r#"{"n":0,"event":0,"ms":5,"host":"a","kind":"call","text":"</script><script>alert(1)//"}"#,
        "\n",
        r#"{"n":1,"ms":9,"host":"a","kind":"violation","parent":0,"oracle":"o<b>","#,
        r#""text":"{{trace}}"}"#,
        "\n",
    );

    #[test]
    fn a_page_is_a_function_of_its_trace() {
        let trace = || Trace::parse("t", TRACE).unwrap();
        assert_eq!(page(&trace()), page(&trace()));
        let mut other = trace();
        other.header.seed = 8;
        assert_ne!(page(&trace()), page(&other));
    }

    #[test]
    fn texts_of_a_trace_are_no_part_of_the_page_itself() {
        let page = page(&Trace::parse("t", TRACE).unwrap());
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script").count(), 2);
        assert!(page.contains(r"\u003c/script>\u003cscript>alert(1)//"), "{page}");
        assert!(page.contains("<title>s seed 7: o&lt;b&gt;: "), "{page}");
        let data = page.split_once(r#"type="application/json">"#).unwrap().1;
        let data = data.split_once("</script>").unwrap().0;
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read[1]["text"], "</script><script>alert(1)//");
        assert_eq!(read[2]["text"], "{{trace}}");
    }

    #[test]
    fn a_page_asks_for_nothing() {
        let page = page(&Trace::parse("t", TRACE).unwrap());
        for word in ["http:", "https:", "src=", "@import", "url(", "fetch("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
