//! Reading tables key by key, with problems in our own words.

use crate::{
    error::{Problem, Rank},
    key::{Absent, Key, Keys, Shape},
    source::Source,
    synonyms::{self, instead, nearest, quoted},
    units::{UnitError, shown, thousandths},
};
use core::ops::Range;
use toml::de::{DeTable, DeValue};

/// Says whether a text is a pattern that a console can be driven by.
pub type PatternRule = fn(&str) -> Result<(), UnitError>;

/// What is read, and the problems found so far.
pub(crate) struct Reader {
    pub(crate) source: Source,
    pub(crate) problems: Vec<Problem>,
    /// What a pattern is, if somebody says so.
    pub(crate) patterns: Option<PatternRule>,
}

impl Reader {
    /// Notes a problem with `value`, of which there is nothing then.
    pub(crate) fn refuse<T>(
        &mut self,
        rank: Rank,
        value: &Place,
        message: &str,
        label: &str,
        help: impl Into<String>,
    ) -> Option<T> {
        self.note(rank, value, message, label, help);
        None
    }

    /// Notes that what stands here stands elsewhere already: at `first`, if the file says so.
    pub(crate) fn refuse_again<T>(
        &mut self,
        place: &Place,
        message: &str,
        label: &str,
        first: Option<&Place>,
    ) -> Option<T> {
        let help = "write another one, or none: it is assigned then";
        self.note(Rank::Whole, place, message, label, help);
        if let (Some(first), Some(problem)) = (first, self.problems.last_mut()) {
            problem.also(self.source.clip(first.span.clone()), "first here");
        }
        None
    }

    /// Notes that nothing of a kind, such as `site`, has the name that stands here.
    pub(crate) fn refuse_name<'n, T>(
        &mut self,
        place: &Place,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<T> {
        let all = match quoted(known.clone()) {
            none if none.is_empty() => format!("there is no `[{what}.NAME]` in this scenario"),
            all => format!("{what}s: {all}"),
        };
        let message = format!("there is no {what} {}", shown(name));
        let help = instead(name, known, &all);
        self.refuse(Rank::Whole, place, &message, &format!("no such {what}"), help)
    }

    /// Notes a problem with `value`.
    pub(crate) fn note(
        &mut self,
        rank: Rank,
        value: &Place,
        message: &str,
        label: &str,
        help: impl Into<String>,
    ) {
        let message = format!("{}: {message}", value.path);
        let span = self.source.clip(value.span.clone());
        self.problems.push(Problem::new(
            rank,
            &self.source,
            &value.path,
            message,
            (span, label),
            help,
        ));
    }
}

/// Where something stands: the path of its key, and the span of its value.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
}

/// A value and where it stands. A default stands where the table does that lacks the key.
#[derive(Clone, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) place: Place,
    /// What its key takes.
    pub(crate) shape: Shape,
    value: DeValue<'a>,
}

/// A table whose keys are known.
#[derive(Clone, Debug)]
pub(crate) struct Table<'a> {
    pub(crate) place: Place,
    keys: &'static Keys,
    entries: DeTable<'a>,
}

impl<'a> Table<'a> {
    /// Takes a table, and refuses the keys in it that do not exist.
    pub(crate) fn open(
        reader: &mut Reader,
        keys: &'static Keys,
        place: Place,
        entries: DeTable<'a>,
    ) -> Self {
        for (key, _) in &entries {
            let name = key.get_ref().as_ref();
            if keys.find(name).is_none() {
                refuse_key(reader, keys, &place, name, key.span());
            }
        }
        Self { place, keys, entries }
    }

    /// The keys that it may have.
    pub(crate) fn keys(&self) -> &'static Keys {
        self.keys
    }

    /// Path of one of its keys.
    pub(crate) fn path(&self, key: &str) -> String {
        join(&self.place.path, key)
    }

    /// Whether the file gives this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether the file gives a key that the table may not have.
    pub(crate) fn has_strange_keys(&self) -> bool {
        self.entries.keys().any(|key| self.keys.find(key.get_ref()).is_none())
    }

    /// Where a key stands that the file gives.
    pub(crate) fn place_of(&self, key: &str) -> Option<Place> {
        let (found, _) = self.entries.get_key_value(key)?;
        Some(Place { path: self.path(key), span: found.span() })
    }

    /// The table behind a key; where the file does not give it, one in which each key has its default.
    pub(crate) fn inner(
        &self,
        reader: &mut Reader,
        key: &str,
        keys: &'static Keys,
    ) -> Option<Table<'a>> {
        if self.has(key) {
            return self.get(reader, key)?.table(reader, keys);
        }
        let place = Place { path: self.path(key), span: self.place.span.clone() };
        Some(Table::open(reader, keys, place, DeTable::new()))
    }

    /// The value of a key, or its default. None if it is absent without one: if that is refused,
    /// it is noted.
    pub(crate) fn get(&self, reader: &mut Reader, key: &str) -> Option<Value<'a>> {
        let known = self.keys.find(key);
        debug_assert!(known.is_some(), "{key} is not declared");
        let (path, shape) = (self.path(key), known?.kind.shape);
        if let Some(found) = self.entries.get(key) {
            let place = Place { path, span: found.span() };
            return Some(Value { place, shape, value: found.get_ref().clone() });
        }
        match known?.absent {
            Absent::Told(_) => None,
            Absent::Default(text) => {
                // Defaults as they are declared, held to be TOML by a test.
                let value = DeValue::parse(text).ok()?.into_inner();
                let place = Place { path, span: self.place.span.clone() };
                Some(Value { place, shape, value })
            }
            Absent::Refused => {
                self.refuse_absence(reader, key);
                None
            }
        }
    }

    /// Notes that a key is missing that must be there.
    pub(crate) fn refuse_absence(&self, reader: &mut Reader, key: &str) {
        let Some(Key { kind, meaning, .. }) = self.keys.find(key) else { return };
        let path = self.path(key);
        let whole = self.place.path.is_empty();
        let owner = if whole { "the file".into() } else { format!("`{}`", self.place.path) };
        let problem = Problem::new(
            Rank::Missing,
            &reader.source,
            &path,
            format!("{owner} lacks `{key}`"),
            (reader.source.clip(self.place.span.clone()), format!("`{key}` is missing here")),
            format!("add `{key}` ({kind}): {meaning}"),
        );
        reader.problems.push(problem);
    }

    /// Its entries by their place in the file, whatever their keys.
    pub(crate) fn in_order(
        value: Value<'a>,
        reader: &mut Reader,
    ) -> Vec<(String, Place, DeValue<'a>)> {
        let path = value.place.path.clone();
        let Some(entries) = value.entries(reader) else { return Vec::new() };
        let mut found: Vec<_> = entries
            .into_iter()
            .map(|(key, value)| {
                let name = key.get_ref().to_string();
                let place = Place { path: join(&path, &name), span: key.span() };
                (name, place, value.into_inner())
            })
            .collect();
        found.sort_by_key(|(_, place, _)| place.span.start);
        found
    }
}

/// What a text is called in messages.
const TEXT: &str = "a text in quotes";

impl<'a> Value<'a> {
    pub(crate) fn new(place: Place, value: DeValue<'a>) -> Self {
        Self { place, shape: Shape::Said, value }
    }

    /// Notes that it is wrong by itself.
    pub(crate) fn refuse<T>(
        &self,
        reader: &mut Reader,
        message: &str,
        label: &str,
        help: impl Into<String>,
    ) -> Option<T> {
        reader.refuse(Rank::Value, &self.place, message, label, help)
    }

    /// A text.
    pub(crate) fn text(&self, reader: &mut Reader) -> Option<String> {
        match &self.value {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong_type(reader, TEXT),
        }
    }

    /// The text, if it is one; nothing is noted if not.
    pub(crate) fn as_text(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// Whether it is an array.
    pub(crate) fn is_array(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    /// Whether it is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// A text that says something.
    pub(crate) fn words(&self, reader: &mut Reader) -> Option<String> {
        let text = self.text(reader)?.trim().to_owned();
        if text.is_empty() {
            return self.refuse(
                reader,
                "it is empty",
                "say it here",
                "write a sentence for whoever reads the verdict",
            );
        }
        Some(text)
    }

    /// A number without a unit, as it is written.
    pub(crate) fn bare_number(&self) -> Option<String> {
        match &self.value {
            DeValue::Integer(number) => Some(number.to_string()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            _ => None,
        }
    }

    /// Whether it is a number with a fraction.
    pub(crate) fn is_float(&self) -> bool {
        matches!(self.value, DeValue::Float(_))
    }

    /// A value with a unit.
    pub(crate) fn unit<T>(
        &self,
        reader: &mut Reader,
        parse: impl FnOnce(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        let parsed = match &self.value {
            DeValue::String(text) => parse(text),
            // The number lacks its unit, and the parser of the unit says so best.
            DeValue::Integer(number) => parse(&number.to_string()),
            DeValue::Float(number) => parse(number.as_str()),
            _ => return self.wrong_type(reader, "a text in quotes, a number with its unit"),
        };
        match parsed {
            Ok(value) => Some(value),
            Err(UnitError { wrong, cure }) => self.refuse(reader, &wrong, "this value", cure),
        }
    }

    /// A value with a unit, from `least` to `most`.
    pub(crate) fn unit_between<T: PartialOrd>(
        &self,
        reader: &mut Reader,
        parse: impl FnOnce(&str) -> Result<T, UnitError>,
        (least, most): (T, T),
        format: impl Fn(T) -> String,
    ) -> Option<T> {
        let value = self.unit(reader, parse)?;
        let label = match &value {
            value if *value < least => "too small",
            value if *value > most => "too large",
            _ => return Some(value),
        };
        let message = format!("the value is {label}");
        let help = format!("write a value from `{}` to `{}`", format(least), format(most));
        self.refuse(reader, &message, label, help)
    }

    /// A whole number in a range.
    pub(crate) fn whole(&self, reader: &mut Reader, (least, most): (u32, u32)) -> Option<u32> {
        let DeValue::Integer(number) = &self.value else {
            return self.wrong_type(reader, "a whole number without quotes");
        };
        let digits = number.as_str().replace('_', "");
        let value = u32::from_str_radix(&digits, number.radix()).ok();
        let value = value.filter(|value| (least..=most).contains(value));
        if value.is_none() {
            let message = format!("{} is out of range", shown(&number.to_string()));
            let help = format!("write a whole number from {least} to {most}");
            reader.note(Rank::Value, &self.place, &message, "out of range", help);
        }
        value
    }

    /// A number with up to three decimals, in thousandths, within a range (thousandths too).
    pub(crate) fn thousandths(
        &self,
        reader: &mut Reader,
        (least, most): (u32, u32),
    ) -> Option<u32> {
        let text = match &self.value {
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.as_str().to_owned(),
            _ => return self.wrong_type(reader, "a number without quotes"),
        };
        let value = thousandths(&text).filter(|value| (least..=most).contains(value));
        if value.is_none() {
            let message = format!("{} is out of range or too fine", shown(&text));
            let show = |value| f64::from(value) / 1000.0;
            let help = format!(
                "write a number from {} to {} with up to three decimals",
                show(least),
                show(most)
            );
            reader.note(Rank::Value, &self.place, &message, "this number", help);
        }
        value
    }

    /// True or false.
    pub(crate) fn boolean(&self, reader: &mut Reader) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(value),
            _ => self.wrong_type(reader, "`true` or `false` without quotes"),
        }
    }

    /// One of some words.
    pub(crate) fn one_of(
        &self,
        reader: &mut Reader,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let text = self.text(reader)?;
        let names = || words.iter().copied();
        if let Some(word) = names().find(|word| *word == text) {
            return Some(word);
        }
        let all = quoted(names());
        let of_gateway = ["gateway", "mapping", "filtering"];
        let of_gateway = of_gateway.iter().any(|key| self.place.path.ends_with(key));
        let meant = synonyms::word(&text, names()).or_else(|| nearest(&text, names()));
        let help = match meant {
            _ if of_gateway && let Some(meant) = synonyms::gateway(&text) => {
                format!("did you mean `gateway = {meant}`? Here: {all}")
            }
            Some(word) if words.len() > 1 => format!("did you mean `{word}`? There are: {all}"),
            Some(word) => format!("did you mean `{word}`?"),
            None if words.len() > 1 => format!("write one of {all}"),
            None => format!("write {all}, the only one for now"),
        };
        self.refuse(
            reader,
            &format!("{} is not one of its values", shown(&text)),
            "not known",
            help,
        )
    }

    /// A table of known keys.
    pub(crate) fn table(self, reader: &mut Reader, keys: &'static Keys) -> Option<Table<'a>> {
        let place = self.place.clone();
        if !self.value.is_table() {
            let found = self.kind();
            let message = format!("{found} stands where a table is expected");
            let names = keys.keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ");
            let help = format!("write a table, `{{ ... }}`, with keys of these: {names}");
            return reader.refuse(Rank::Value, &place, &message, &format!("this is {found}"), help);
        }
        let entries = self.entries(reader)?;
        Some(Table::open(reader, keys, place, entries))
    }

    fn entries(self, reader: &mut Reader) -> Option<DeTable<'a>> {
        match self.value {
            DeValue::Table(entries) => Some(entries),
            _ => self.wrong_type(reader, "a table"),
        }
    }

    /// The items of an array.
    pub(crate) fn items(self, reader: &mut Reader) -> Option<Vec<Value<'a>>> {
        let (path, shape) = (self.place.path.clone(), self.shape);
        match self.value {
            DeValue::Array(items) => Some(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let place =
                            Place { path: format!("{path}[{}]", index + 1), span: item.span() };
                        Value { place, shape, value: item.into_inner() }
                    })
                    .collect(),
            ),
            _ => self.wrong_type(reader, "an array"),
        }
    }

    /// What it is, in a sentence.
    fn kind(&self) -> &'static str {
        match &self.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }

    /// Notes that this is not what is expected here.
    fn wrong_type<T>(&self, reader: &mut Reader, expected: &str) -> Option<T> {
        let found = self.kind();
        let message = format!("{found} stands where {expected} is expected");
        self.refuse(
            reader,
            &message,
            &format!("this is {found}"),
            match (&self.value, expected) {
                (DeValue::Integer(number), TEXT) => format!("write it in quotes: `\"{number}\"`"),
                _ => format!("write {expected}"),
            },
        )
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn refuse_key(
    reader: &mut Reader,
    keys: &'static Keys,
    place: &Place,
    name: &str,
    span: Range<usize>,
) {
    let path = join(&place.path, name);
    let span = reader.source.clip(span);
    if let Some((_, what)) = keys.later.iter().find(|(later, _)| *later == name) {
        reader.problems.push(Problem::new(
            Rank::Key,
            &reader.source,
            &path,
            format!("{path}: Parallax does not support {what} yet"),
            (span, "not supported yet"),
            format!("remove `{name}`"),
        ));
        return;
    }
    let names = || keys.keys.iter().map(|key| key.name);
    let all = names().collect::<Vec<_>>().join(", ");
    let synonym = synonyms::key(keys, name);
    let meant = synonym.map(|key| key.name).or_else(|| nearest(name, names()));
    let help = match (synonym, meant) {
        (Some(Key { name, kind, .. }), _) => {
            format!("did you mean `{name}` ({kind})? Keys here: {all}")
        }
        (None, Some(meant)) => format!("did you mean `{meant}`? Keys here: {all}"),
        (None, None) => format!("keys here: {all}"),
    };
    let message = format!("{path}: there is no such key");
    let mut problem =
        Problem::new(Rank::Key, &reader.source, &path, message, (span, "unknown key"), help);
    if let Some(meant) = meant {
        problem = problem.meaning(join(&place.path, meant));
    }
    reader.problems.push(problem);
}
