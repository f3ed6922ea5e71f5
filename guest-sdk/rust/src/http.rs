use crate::codec::Value;
use crate::error::Error;

/// An HTTP request, with all of its body.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Absolute, as the caller sent it.
    pub url: String,
    /// In order, duplicates kept, names in lower case.
    pub headers: Vec<(String, String)>,
    /// None where there is none, which is not the same as empty.
    pub body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn read(mut event: Value) -> Result<Request, Error> {
        let headers = event.take_array("headers")?.into_iter().map(|pair| match pair {
            Value::Array(mut pair) if pair.len() == 2 => match (pair.pop(), pair.pop()) {
                (Some(Value::Str(value)), Some(Value::Str(name))) => Ok((name, value)),
                _ => Err(Error::invalid("a header is no pair of strings")),
            },
            _ => Err(Error::invalid("a header is no pair of strings")),
        });
        Ok(Request {
            headers: headers.collect::<Result<_, _>>()?,
            method: event.take_string("method")?,
            url: event.take_string("url")?,
            body: match event.take("body") {
                Some(Value::Bytes(bytes)) => Some(bytes),
                Some(Value::Nil) | None => None,
                _ => return Err(Error::invalid("the body is not binary")),
            },
        })
    }

    /// The path as it came: percent-encoded, `/` at least.
    pub fn path(&self) -> &str {
        let after = self.url.find("://").map_or(0, |at| at + 3);
        let rest = &self.url[after..];
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        let end = path.find(|c| c == '?' || c == '#').unwrap_or(path.len());
        if end == 0 { "/" } else { &path[..end] }
    }

    /// The query as it came, without `?`.
    pub fn query_string(&self) -> &str {
        let url = self.url.split('#').next().unwrap_or("");
        url.find('?').map_or("", |at| &url[at + 1..])
    }

    /// The first parameter of that name, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_string().split('&').find_map(|pair| {
            let mut parts = pair.splitn(2, '=');
            let key = decode(parts.next().unwrap_or(""));
            if key == name { Some(decode(parts.next().unwrap_or(""))) } else { None }
        })
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text, what is not UTF-8 replaced; empty where there is none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body.as_deref().unwrap_or(&[])).into_owned()
    }
}

/// `+` and `%XX`; what is not hexadecimal stays as it is.
fn decode(part: &str) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = if bytes[at] == b'%' { bytes.get(at + 1..at + 3) } else { None };
        let byte = escaped.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        at += if byte.is_some() { 3 } else { 1 };
        out.push(byte.unwrap_or(match bytes[at - 1] {
            b'+' if byte.is_none() => b' ',
            other => other,
        }));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An HTTP answer.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16) -> Response {
        Response { status, ..Response::default() }
    }

    pub fn text(status: u16, body: impl Into<String>) -> Response {
        Response::new(status).header("content-type", "text/plain; charset=utf-8").body(body.into())
    }

    /// `body` is JSON already: this crate has no serializer.
    pub fn json(status: u16, body: impl Into<String>) -> Response {
        Response::new(status).header("content-type", "application/json").body(body.into())
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Response {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Response {
        self.body = body.into();
        self
    }

    pub(crate) fn into_value(self) -> Value {
        let headers = self.headers.into_iter().map(|(name, value)| Value::Array(vec![name.into(), value.into()])).collect();
        Value::map([
            ("status", Value::Int(i64::from(self.status))),
            ("headers", Value::Array(headers)),
            ("body", Value::Bytes(self.body)),
        ])
    }
}
