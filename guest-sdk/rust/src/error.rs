use crate::codec::Value;

/// A failed invocation: the author sees name and message in the log, a caller only that the function failed.
#[derive(Debug, Clone)]
pub struct Error {
    pub name: String,
    pub message: String,
}

impl Error {
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Error { name: name.into(), message: message.into() }
    }

    pub(crate) fn unsupported(kind: &str) -> Self {
        Error::new("UnsupportedEvent", format!("the function has no handler for {} events", kind))
    }

    pub(crate) fn invalid(what: &str) -> Self {
        Error::new("InvalidEvent", what)
    }

    pub(crate) fn into_value(self) -> Value {
        Value::map([
            ("name", Value::from(self.name)),
            ("message", Value::from(self.message)),
            ("stack", Value::from("")),
        ])
    }
}

/// So that `?` works on errors of the standard library and of other crates; the name is that of the type.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let path = std::any::type_name::<E>();
        Error::new(path.rsplit("::").next().unwrap_or(path), error.to_string())
    }
}
