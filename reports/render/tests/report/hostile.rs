//! Text from outside does nothing in the page and in its drawings.

use crate::support::{folder_of, header};
use parallax_render::{Report, escape, html};
use proptest::prelude::*;

const HOSTILE: &str = "</script><script>alert(1)</script>]]>\"'`--><svg onload=alert(2)>\u{202e}\u{0}\u{1b}[31m&amp;{{7*7}}";

#[test]
fn scripts_in_names_and_titles_are_text() {
    let mut header = header(2);
    header.title = HOSTILE.into();
    header.why = HOSTILE.into();
    header.events[0].name = HOSTILE.into();
    header.checks[0].why = HOSTILE.into();
    header.peers[0].profile.name = HOSTILE.into();
    header.sites[0].lan = HOSTILE.into();
    header.services[0].address = HOSTILE.into();
    let mut folder = folder_of(vec![header]);
    folder.name = HOSTILE.into();
    folder.suite.runs[0].faults.push(HOSTILE.into());
    let page = html::report(&Report::new(&[folder]));
    assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
    // The only scripts are ours: the data of the plots, and the one at the end.
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("<script type=\"application/json\">").count() + 1);
    assert_eq!(scripts, page.matches("</script>").count());
    assert!(!page.contains("<svg onload"));
    assert!(!page.contains("]]>\""));
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!page.chars().any(steers));
}

proptest! {
    #[test]
    fn escaped_text_has_no_character_that_xml_knows_or_forbids(text in any::<String>()) {
        let escaped = escape::xml(&text);
        prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        prop_assert!(escaped.chars().all(|c| !c.is_control()));
        let back = escaped
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&");
        prop_assert_eq!(back, escape::tame(&text));
    }
}
