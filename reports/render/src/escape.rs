//! Text from outside, made harmless: scenario titles and names of devices may hold anything.

use parallax_record::foreign::inline;

/// Text for people, in one line: characters that steer a terminal or turn the direction of what follows
/// are written out, such as `\u{202e}`.
#[must_use]
pub fn tame(text: &str) -> String {
    inline(text)
}

/// Text that its author may have written in several lines, such as a reason: in one line, tamed.
#[must_use]
pub fn prose(text: &str) -> String {
    tame(&text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

/// Text as the content or an attribute of XML or HTML, tamed.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in tame(text).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// JSON that may stand in a `<script>` of HTML: nothing in it ends the element or begins a comment.
#[must_use]
pub(crate) fn json_in_html(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A name that any file system takes.
#[must_use]
pub fn plain_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name.chars().map(|c| if fits(c) { c } else { '-' }).collect()
}
