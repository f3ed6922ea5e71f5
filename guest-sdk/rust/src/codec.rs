//! MessagePack without extension types. Whatever is read is checked: lengths against what is left, depth against `MAX_DEPTH`.

use crate::error::Error;

/// The host refuses deeper answers as well.
const MAX_DEPTH: usize = 64;

/// A value of JSON, with bytes beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    /// In order; of equal keys the first counts.
    Map(Vec<(String, Value)>),
}

impl Value {
    pub fn map<K: Into<String>, const N: usize>(entries: [(K, Value); N]) -> Value {
        Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The entry of that key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of a binary, or of a string's UTF-8.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Str(text) => Some(text.as_bytes()),
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// A number of either kind.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number; JSON does not tell 1 from 1.0, so both are.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => Some(*number as i64),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        match self {
            Value::Map(entries) => {
                let place = entries.iter().position(|(name, _)| name == key)?;
                Some(entries.swap_remove(place).1)
            }
            _ => None,
        }
    }

    pub(crate) fn take_string(&mut self, key: &str) -> Result<String, Error> {
        match self.take(key) {
            Some(Value::Str(text)) => Ok(text),
            _ => Err(Error::invalid("a string is missing from the event")),
        }
    }

    pub(crate) fn take_bytes(&mut self, key: &str) -> Result<Vec<u8>, Error> {
        match self.take(key) {
            Some(Value::Str(text)) => Ok(text.into_bytes()),
            Some(Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(Error::invalid("a body is missing from the event")),
        }
    }

    pub(crate) fn take_number(&mut self, key: &str) -> Result<f64, Error> {
        self.take(key).and_then(|value| value.as_f64()).ok_or_else(|| Error::invalid("a number is missing from the event"))
    }

    pub(crate) fn take_array(&mut self, key: &str) -> Result<Vec<Value>, Error> {
        match self.take(key) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Error::invalid("a list is missing from the event")),
        }
    }
}

macro_rules! from {
    ($($type:ty => $make:expr),*) => { $(impl From<$type> for Value { fn from(value: $type) -> Value { $make(value) } })* };
}
from!(bool => Value::Bool, i64 => Value::Int, f64 => Value::Float, String => Value::Str, Vec<u8> => Value::Bytes, Vec<Value> => Value::Array,
      i32 => |n| Value::Int(i64::from(n)), u32 => |n| Value::Int(i64::from(n)), &str => |text: &str| Value::Str(text.into()));

pub fn decode(bytes: &[u8]) -> Result<Value, Error> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(Error::invalid("bytes after the end of the event")) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        if length > self.rest.len() {
            return Err(Error::invalid("the event ends too early"));
        }
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(taken)
    }

    fn unsigned(&mut self, bytes: usize) -> Result<u64, Error> {
        Ok(self.take(bytes)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn length(&mut self, bytes: usize) -> Result<usize, Error> {
        Ok(self.unsigned(bytes)? as usize)
    }

    fn text(&mut self, length: usize) -> Result<String, Error> {
        // The host sends well-formed text; what is not becomes U+FFFD rather than an error.
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid("the event is nested too deep"));
        }
        let code = self.unsigned(1)? as u8;
        Ok(match code {
            0x00..=0x7f => Value::Int(i64::from(code)),
            0xe0..=0xff => Value::Int(i64::from(code as i8)),
            0x80..=0x8f => self.map(usize::from(code & 15), depth)?,
            0x90..=0x9f => self.array(usize::from(code & 15), depth)?,
            0xa0..=0xbf => Value::Str(self.text(usize::from(code & 31))?),
            0xc0 => Value::Nil,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(1 << (code - 0xc4))?;
                Value::Bytes(self.take(length)?.to_vec())
            }
            0xca => Value::Float(f64::from(f32::from_bits(self.unsigned(4)? as u32))),
            0xcb => Value::Float(f64::from_bits(self.unsigned(8)?)),
            0xcc..=0xcf => {
                let number = self.unsigned(1 << (code - 0xcc))?;
                i64::try_from(number).map_or(Value::Float(number as f64), Value::Int)
            }
            0xd0..=0xd3 => {
                let bytes = 1 << (code - 0xd0);
                let unused = 64 - 8 * bytes as u32;
                Value::Int((self.unsigned(bytes)? << unused) as i64 >> unused)
            }
            0xd9..=0xdb => {
                let length = self.length(1 << (code - 0xd9))?;
                Value::Str(self.text(length)?)
            }
            0xdc | 0xdd => {
                let items = self.length(if code == 0xdc { 2 } else { 4 })?;
                self.array(items, depth)?
            }
            0xde | 0xdf => {
                let entries = self.length(if code == 0xde { 2 } else { 4 })?;
                self.map(entries, depth)?
            }
            _ => return Err(Error::invalid("the event has an extension type")),
        })
    }

    /// Every item takes a byte at least, so a larger count is a lie: nothing is reserved for it.
    fn counted(&self, items: usize, bytes_each: usize) -> Result<usize, Error> {
        if items > self.rest.len() / bytes_each { Err(Error::invalid("the event ends too early")) } else { Ok(items) }
    }

    fn array(&mut self, items: usize, depth: usize) -> Result<Value, Error> {
        let items = self.counted(items, 1)?;
        (0..items).map(|_| self.value(depth + 1)).collect::<Result<_, _>>().map(Value::Array)
    }

    fn map(&mut self, entries: usize, depth: usize) -> Result<Value, Error> {
        let entries = self.counted(entries, 2)?;
        let entry = |_| match self.value(depth + 1)? {
            Value::Str(key) => Ok((key, self.value(depth + 1)?)),
            _ => Err(Error::invalid("a key is not a string")),
        };
        (0..entries).map(entry).collect::<Result<_, _>>().map(Value::Map)
    }
}

pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn head(out: &mut Vec<u8>, code: u8, length: usize) {
    out.push(code);
    out.extend_from_slice(&(length as u32).to_be_bytes());
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Nil => out.push(0xc0),
        Value::Bool(value) => out.push(0xc2 + u8::from(*value)),
        Value::Int(number @ 0..=127) => out.push(*number as u8),
        Value::Int(number) => {
            out.push(0xd3);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Float(number) => {
            out.push(0xcb);
            out.extend_from_slice(&number.to_bits().to_be_bytes());
        }
        Value::Str(text) => {
            string(text, out);
        }
        Value::Bytes(bytes) => {
            head(out, 0xc6, bytes.len());
            out.extend_from_slice(bytes);
        }
        Value::Array(items) => {
            head(out, 0xdd, items.len());
            items.iter().for_each(|item| write(item, out));
        }
        Value::Map(entries) => {
            head(out, 0xdf, entries.len());
            for (key, value) in entries {
                string(key, out);
                write(value, out);
            }
        }
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    if text.len() < 32 { out.push(0xa0 | text.len() as u8) } else { head(out, 0xdb, text.len()) }
    out.extend_from_slice(text.as_bytes());
}
