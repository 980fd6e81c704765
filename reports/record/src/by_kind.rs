//! An event as JSON: an object whose first field, `kind`, is the variant's name, and whose others are the variant's.
//!
//! The form is that of `#[serde(tag = "kind")]`, whose reader takes the tag wherever it stands: it keeps each object in
//! memory and reads it a second time. Records have it first, and reading them is most of what a report of thousands of
//! runs costs.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, VariantAccess,
    Visitor,
};
use serde::ser::{Error as _, Impossible, SerializeStruct, SerializeStructVariant, Serializer};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use std::fmt;

pub(crate) fn serialize<T: Serialize, S: Serializer>(event: &T, to: S) -> Result<S::Ok, S::Error> {
    event.serialize(Tagging(to))
}

pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    T::deserialize(Tagged(from))
}

/// Reads an enum from an object.
struct Tagged<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(D::Error::custom("only an enum has a kind"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Object(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Object<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object that begins with `kind`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Fields(map))
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum First {
    Kind,
}

struct Fields<A>(A);

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Fields<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        mut self,
        seed: S,
    ) -> Result<(S::Value, Self), A::Error> {
        match self.0.next_key::<First>()? {
            Some(First::Kind) => Ok((self.0.next_value_seed(seed)?, self)),
            None => Err(A::Error::missing_field("kind")),
        }
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        match self.0.next_entry::<String, IgnoredAny>()? {
            None => Ok(()),
            Some((name, _)) => Err(A::Error::unknown_field(&name, &[])),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, A::Error> {
        Err(A::Error::custom("a variant has named fields"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("a variant has named fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }
}

/// Writes an enum as an object.
struct Tagging<S>(S);

/// The fields of a variant, behind its kind.
struct Variant<T>(T);

impl<T: SerializeStruct> SerializeStructVariant for Variant<T> {
    type Ok = T::Ok;
    type Error = T::Error;

    fn serialize_field<V: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &V,
    ) -> Result<(), T::Error> {
        self.0.serialize_field(name, value)
    }

    fn end(self) -> Result<T::Ok, T::Error> {
        self.0.end()
    }
}

/// Methods for what is no enum.
macro_rules! refuse {
    ($($name:ident($($argument:ty),*) $(<$generic:ident>)? -> $result:ty;)*) => {
        $(fn $name$(<$generic: Serialize + ?Sized>)?(self $(, _: $argument)*) -> Result<$result, S::Error> {
            Err(S::Error::custom("only an enum with named fields has a kind"))
        })*
    };
}

impl<S: Serializer> Serializer for Tagging<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = Impossible<S::Ok, S::Error>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Impossible<S::Ok, S::Error>;
    type SerializeStructVariant = Variant<S::SerializeStruct>;

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        kind: &'static str,
    ) -> Result<S::Ok, S::Error> {
        let mut object = self.0.serialize_struct(name, 1)?;
        object.serialize_field("kind", kind)?;
        object.end()
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        kind: &'static str,
        fields: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let mut object = self.0.serialize_struct(name, fields + 1)?;
        object.serialize_field("kind", kind)?;
        Ok(Variant(object))
    }

    refuse! {
        serialize_bool(bool) -> S::Ok;
        serialize_i8(i8) -> S::Ok;
        serialize_i16(i16) -> S::Ok;
        serialize_i32(i32) -> S::Ok;
        serialize_i64(i64) -> S::Ok;
        serialize_u8(u8) -> S::Ok;
        serialize_u16(u16) -> S::Ok;
        serialize_u32(u32) -> S::Ok;
        serialize_u64(u64) -> S::Ok;
        serialize_f32(f32) -> S::Ok;
        serialize_f64(f64) -> S::Ok;
        serialize_char(char) -> S::Ok;
        serialize_str(&str) -> S::Ok;
        serialize_bytes(&[u8]) -> S::Ok;
        serialize_none() -> S::Ok;
        serialize_some(&T) <T> -> S::Ok;
        serialize_unit() -> S::Ok;
        serialize_unit_struct(&'static str) -> S::Ok;
        serialize_newtype_struct(&'static str, &T) <T> -> S::Ok;
        serialize_newtype_variant(&'static str, u32, &'static str, &T) <T> -> S::Ok;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
    enum ByName {
        Still,
        Moved { by: i32, why: Option<String> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Event {
        Still,
        Moved { by: i32, why: Option<String> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line {
        #[serde(with = "super")]
        event: Event,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct OtherLine {
        event: ByName,
    }

    fn read(text: &str) -> Result<Line, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_what_serde_writes_by_tag_and_comes_back() {
        for (ours, theirs) in [
            (Event::Still, ByName::Still),
            (
                Event::Moved { by: -3, why: Some("\"kind\"".to_owned()) },
                ByName::Moved { by: -3, why: Some("\"kind\"".to_owned()) },
            ),
            (Event::Moved { by: 4, why: None }, ByName::Moved { by: 4, why: None }),
        ] {
            let line = Line { event: ours };
            let text = serde_json::to_string(&line).expect("it is written");
            let other = OtherLine { event: theirs };
            assert_eq!(text, serde_json::to_string(&other).expect("it is written"));
            assert_eq!(read(&text), Ok(line));
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for (text, says) in [
            (r#"{"event":{"by":1,"kind":"moved"}}"#, "unknown field `by`, expected `kind`"),
            (r#"{"event":{}}"#, "missing field `kind`"),
            (r#"{"event":{"kind":"lifted"}}"#, "unknown variant `lifted`"),
            (r#"{"event":{"kind":"still","by":1}}"#, "unknown field `by`"),
            (r#"{"event":{"kind":"moved","to":1}}"#, "unknown field `to`, expected `by` or `why`"),
            (r#"{"event":{"kind":"moved"}}"#, "missing field `by`"),
            (r#"{"event":{"kind":"moved","by":1,"by":2}}"#, "duplicate field `by`"),
            (r#"{"event":"still"}"#, "expected an object that begins with `kind`"),
            (r#"{"event":{"kind":7}}"#, "expected variant identifier"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
