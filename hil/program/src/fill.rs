//! Placeholders of a command. Pure.

/// What a command may have in it.
pub const PLACEHOLDERS: [&str; 3] = ["{url}", "{room}", "{token}"];

/// What stands for them in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// `{url}`: where the program signals.
    pub url: String,
    /// `{room}`: the camera's name.
    pub room: String,
    /// `{token}`: its token.
    pub token: String,
}

/// A command with its placeholders filled in.
pub fn fill(command: &[String], values: &Values) -> Vec<String> {
    let all = [&values.url, &values.room, &values.token];
    command.iter().map(|word| filled(word, &all)).collect()
}

/// From left to right: what a value has in it is no placeholder.
fn filled(word: &str, values: &[&String; 3]) -> String {
    let (mut filled, mut rest) = (String::new(), word);
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let found = PLACEHOLDERS.iter().zip(values).find(|(name, _)| after.starts_with(**name));
        let (text, length) = found.map_or(("{", 1), |(name, value)| (value.as_str(), name.len()));
        filled.push_str(text);
        rest = &after[length..];
    }
    filled + rest
}

/// The first word in braces that is no placeholder, if there is one. `${NAME}` is a shell's.
pub fn unknown_placeholder(command: &[String]) -> Option<String> {
    command.iter().find_map(|word| {
        word.match_indices('{').find_map(|(at, _)| {
            let name = &word[at..=at + word[at..].find('}')?];
            let is_word = name.len() > 2 && name[1..name.len() - 1].chars().all(is_of_a_name);
            let is_shell = word[..at].ends_with('$');
            (is_word && !is_shell && !PLACEHOLDERS.contains(&name)).then(|| name.to_owned())
        })
    })
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn values() -> Values {
        let url = "http://192.0.2.2/whip/doorbell".to_owned();
        let (room, token) = ("doorbell".to_owned(), "{room}".to_owned());
        Values { url, room, token }
    }

    #[test]
    fn placeholders_are_filled_in_wherever_they_are_and_only_once() {
        let command = words(&["./camera", "--whip={url}", "-r{room}{room}", "{token}"]);
        let filled = fill(&command, &values());
        let url = "--whip=http://192.0.2.2/whip/doorbell";
        assert_eq!(filled, ["./camera", url, "-rdoorbelldoorbell", "{room}"]);
    }

    #[test]
    fn other_braces_stay() {
        let command = words(&["{\"a\": 1}", "${HOME}", "{", "}{url", "awk '{print}'"]);
        assert_eq!(fill(&command, &values()), command);
    }

    #[test]
    fn a_misspelt_placeholder_is_found() {
        assert_eq!(unknown_placeholder(&words(&["a", "--url={ulr}"])).as_deref(), Some("{ulr}"));
        assert_eq!(
            unknown_placeholder(&words(&["a", "{pipe}"])).as_deref(),
            Some("{pipe}"),
            "no film goes there yet"
        );
        let sound = ["a", "{url}", "{\"a\": {}}", "${home}", "{", "{}", "{A}", "{x y}"];
        assert_eq!(unknown_placeholder(&words(&sound)), None);
    }
}
