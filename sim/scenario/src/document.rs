//! A whole file: its text, its version, its name.

use crate::{
    error::{Problem, Rank, ScenarioErrors},
    key::Keys,
    source::Source,
    table::{PatternRule, Place, Reader, Table},
    text,
};
use toml::de::DeTable;

/// Reads a file, by its name and text, whose top has `keys`.
///
/// # Errors
/// With everything that is wrong with it, most helpful first.
pub(crate) fn read<T>(
    (name, text): (&str, &str),
    patterns: Option<PatternRule>,
    keys: &'static Keys,
    read: impl FnOnce(&mut Reader, Table<'_>) -> Option<T>,
) -> Result<T, ScenarioErrors> {
    let source = text::source(name, text)?;
    let document = DeTable::parse(text).map_err(|error| syntax(&source, &error))?;
    let mut reader = Reader { source, problems: Vec::new(), patterns };
    let place = Place { path: String::new(), span: 0..0 };
    let top = Table::open(&mut reader, keys, place, document.into_inner());
    let found = read(&mut reader, top);
    match ScenarioErrors::new(reader.problems) {
        Some(errors) => Err(errors),
        // A reader that yields nothing has said why; this is its own fault if not.
        None => found.ok_or_else(|| {
            Problem::of_file(format!("{name}: not read"), "report this as a fault of Parallax")
                .into()
        }),
    }
}

pub(crate) fn schema(reader: &mut Reader, top: &Table<'_>) -> Option<u32> {
    let value = top.get(reader, "schema")?;
    let schema = value.whole(reader, (0, u32::MAX))?;
    if schema != 1 {
        let help = "write `schema = 1`, or run a version of Parallax that reads this one";
        return value.refuse(reader, "this version of the format is not known", "not 1", help);
    }
    Some(schema)
}

/// The name of a file without folder and ending.
pub(crate) fn stem(name: &str) -> String {
    let file = base_name(name);
    file.strip_suffix(".toml").unwrap_or(file).to_owned()
}

/// The name of a file without folder.
pub(crate) fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// What is not TOML at all.
fn syntax(source: &Source, error: &toml::de::Error) -> ScenarioErrors {
    let message = error.message();
    let span = source.clip(error.span().unwrap_or(0..0));
    let help = if message.contains("duplicate key") {
        "names and keys stand once in their table: rename or remove this one"
    } else if message.contains("recursion") {
        "nothing in a scenario is nested that deep"
    } else {
        "texts and values with units stand in quotes, tables in `[...]` or `{ ... }`; see https://toml.io"
    };
    let at = (span, message.to_owned());
    Problem::new(Rank::Syntax, source, "", format!("this is not TOML: {message}"), at, help).into()
}
