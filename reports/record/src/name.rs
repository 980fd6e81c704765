//! Names that become names of files and folders.

use core::{fmt, ops::Deref, str::FromStr};
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{
    borrow::{Borrow, Cow},
    path::Path,
};

/// The name of something that has files of its own: a scenario, a board. Small letters, digits and `-`,
/// not first `-`: no path leads out of a folder by it, and every file system and shell takes it as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty.
    #[error("a name is empty")]
    Empty,
    /// It is too long.
    #[error("a name has up to {} characters", Name::LONGEST)]
    Long,
    /// It has a character that names do not have, or begins with `-`.
    #[error("a name has small letters (a to z), digits and `-` alone, and does not begin with `-`")]
    Character,
    /// Something else is called so.
    #[error("`{0}` is reserved: {1}")]
    Reserved(&'static str, &'static str),
}

/// Parallax's own folders where those of scenarios stand.
const OWN: [&str; 1] = ["report"];

/// Names that are devices on Windows, whatever their ending.
const DEVICES: [&str; 24] = [
    "aux", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con",
    "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

impl Name {
    /// Characters of a name, at most. File names are made of several.
    pub const LONGEST: usize = 64;

    /// What every name matches; reserved ones do, too.
    pub const PATTERN: &str = "^[a-z0-9][a-z0-9-]{0,63}$";

    /// The name that this text is.
    ///
    /// # Errors
    /// If it is none.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.starts_with('-') || !text.chars().all(letters) {
            return Err(NameError::Character);
        }
        if text.len() > Self::LONGEST {
            return Err(NameError::Long);
        }
        let reserved = |list: &[&'static str]| list.iter().copied().find(|word| *word == text);
        if let Some(word) = reserved(&OWN) {
            return Err(NameError::Reserved(word, "a folder of Parallax itself is called so"));
        }
        if let Some(word) = reserved(&DEVICES) {
            return Err(NameError::Reserved(word, "Windows takes such a file for a device"));
        }
        Ok(Self(text.to_owned()))
    }

    /// A name that is like this text: what its author could write instead.
    #[must_use]
    pub fn like(text: &str) -> Option<Self> {
        let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let plain: String = text.chars().map(fit).collect();
        let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
        let joined: String = parts.join("-").chars().take(Self::LONGEST).collect();
        let name = joined.trim_end_matches('-');
        if name.is_empty() {
            return None;
        }
        Self::new(name).or_else(|_| Self::new(&format!("my-{name}"))).ok()
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for Name {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Name {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl PartialEq<Name> for String {
    fn eq(&self, other: &Name) -> bool {
        *self == other.0
    }
}

impl PartialEq<Name> for &str {
    fn eq(&self, other: &Name) -> bool {
        *self == other.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::new(&text)
            .map_err(|error| de::Error::custom(format!("{text:?} is not a name: {error}")))
    }
}

#[cfg(feature = "schema")]
impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": Self::PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Component;

    /// What a name may never be or do, said in other words than [`Name::new`] says it.
    fn is_harmless(text: &str) -> bool {
        let mut parts = Path::new(text).components();
        let one = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == text);
        one && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && text.len() <= 64
            && !text.starts_with('-')
    }

    proptest! {
        #[test]
        fn a_name_is_one_harmless_part_of_a_path(text in "\\PC{0,80}|[a-z0-9./_-]{0,70}|.{0,10}") {
            if let Ok(name) = Name::new(&text) {
                prop_assert!(is_harmless(&text), "{text:?}");
                let joined = Path::new("out").join(&name);
                prop_assert_eq!(joined.parent(), Some(Path::new("out")));
                prop_assert_eq!(serde_json::from_str::<Name>(&serde_json::to_string(&name).unwrap()).unwrap(), name);
            } else {
                prop_assert!(serde_json::from_str::<Name>(&serde_json::to_string(&text).unwrap()).is_err());
            }
        }

        #[test]
        fn what_looks_like_a_name_is_one_unless_it_is_reserved(text in "[a-z0-9][a-z0-9-]{0,63}") {
            let reserved = OWN.contains(&&*text) || DEVICES.contains(&&*text);
            prop_assert_eq!(Name::new(&text).is_ok(), !reserved);
        }
    }

    #[test]
    fn what_is_no_name_is_told_why() {
        for (text, why) in [
            ("", NameError::Empty),
            (".", NameError::Character),
            ("..", NameError::Character),
            ("a/b", NameError::Character),
            ("-rf", NameError::Character),
            ("Two", NameError::Character),
            ("two_homes", NameError::Character),
            ("\u{e4}", NameError::Character),
        ] {
            assert_eq!(Name::new(text), Err(why), "{text:?}");
        }
        assert_eq!(Name::new(&"a".repeat(65)), Err(NameError::Long));
        for text in ["report", "con", "lpt1"] {
            assert!(matches!(Name::new(text), Err(NameError::Reserved(word, _)) if word == text));
        }
        let like = |text: &str| Name::like(text).map(String::from);
        assert_eq!(like("Two_Homes (1)").as_deref(), Some("two-homes-1"));
        assert_eq!(like("report").as_deref(), Some("my-report"));
        assert_eq!(like(".."), None);
        assert!(Name::new(&"a".repeat(64)).is_ok() && Name::new("4-homes").is_ok());
    }
}
