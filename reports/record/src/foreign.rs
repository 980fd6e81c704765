//! Foreign text: names, comments and messages that others wrote, made harmless for a reader.

use std::borrow::Cow;

/// Whether a character may not be shown as it is: it moves a cursor, begins an escape sequence, turns the
/// direction of its neighbours, or is not seen at all. Line ends and tabs are among them.
#[must_use]
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}'
            | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            // Zero width, direction, separators of lines and paragraphs, invisible operators, isolates.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || is_no_character(character)
}

/// Unicode's noncharacters: XML forbids some, and none is for interchange.
fn is_no_character(character: char) -> bool {
    let code = u32::from(character);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

/// A foreign text in one line: each steering character is written as Rust escapes it, such as `\n` and
/// `\u{202e}`.
#[must_use]
pub fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_steering(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// A text of several lines that is ours, whatever foreign text is in it: its line ends stay, all else is as
/// [`inline`] has it.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| is_steering(character) && character != '\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(inline).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_is_written_out_and_words_of_any_script_are_not() {
        assert_eq!(inline("a\u{1b}[31mb\nc\td\r"), r"a\u{1b}[31mb\nc\td\r");
        assert_eq!(
            inline("\u{9b}31m\u{202e}\u{2066}\u{200b}\u{2028}"),
            r"\u{9b}31m\u{202e}\u{2066}\u{200b}\u{2028}"
        );
        for plain in ["Türklingel 2", "门铃", "جرس الباب", "कैमरा", "caméra ☎ 📷", "a\\n"]
        {
            assert_eq!(inline(plain), plain);
        }
        assert_eq!(lines("one\n\x07two\n"), "one\n\\u{7}two\n");
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_left_of_any_text(text in any::<String>()) {
            prop_assert!(!inline(&text).chars().any(is_steering));
            prop_assert!(!lines(&text).chars().any(|c| is_steering(c) && c != '\n'));
            prop_assert_eq!(lines(&text).matches('\n').count(), text.matches('\n').count());
        }
    }
}
