//! JSON Schema (draft 2020-12) of the files that a run leaves, made from the types that write them.
//! The committed ones are in `reports/schema`.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::environment::Environment;
use crate::event::Entry;
use crate::header::Header;
use crate::record::Trailer;
use crate::summary::Suite;

/// A line of `record.jsonl`: the header first, then entries in the order of time, then the trailer.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the schema alone: lines are written one kind at a time")]
enum Line {
    /// The first line.
    Header(Header),
    /// All lines between the first and the last.
    Entry(Entry),
    /// The last line.
    Trailer(Trailer),
}

/// The schema of each line of `record.jsonl`.
#[must_use]
pub fn record() -> Schema {
    of::<Line>("A line of record.jsonl")
}

/// The schema of `summary.json`.
#[must_use]
pub fn summary() -> Schema {
    of::<Suite>("summary.json")
}

/// The schema of `environment.json`.
#[must_use]
pub fn environment() -> Schema {
    of::<Environment>("environment.json")
}

/// What is written, not what is read: a field that is `null` is there all the same.
fn of<T: JsonSchema>(title: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(plain_description));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema
}

/// Comments are wrapped, and link to code that a reader of the schema has not.
fn plain_description(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = plain(text);
    }
}

fn plain(text: &str) -> String {
    let text = text.replace("\n\n", "\0").replace('\n', " ").replace('\0', "\n\n");
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        plain += &format!("{before}`{name}`");
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_no_links_and_no_wrapped_lines() {
        assert_eq!(
            plain("Told by\n[`Clock`].\n\nOr [`x`](crate::x), or"),
            "Told by `Clock`.\n\nOr `x`, or"
        );
        assert_eq!(plain("no [`link"), "no [`link");
        assert_eq!(plain("0 to 51 [1]"), "0 to 51 [1]");
    }
}
