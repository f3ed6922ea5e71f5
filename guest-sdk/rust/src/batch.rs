use crate::codec::Value;
use crate::error::Error;

#[derive(Debug, Clone)]
pub struct QueueBatch {
    /// The queue's name.
    pub queue: String,
    pub messages: Vec<Message>,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    /// When it was sent, milliseconds since the epoch.
    pub timestamp_ms: f64,
    /// This delivery counted.
    pub attempts: u32,
    pub body: Vec<u8>,
    pub attributes: Vec<(String, String)>,
    pub group: Option<String>,
}

#[derive(Debug, Clone)]
pub struct StreamBatch {
    /// The stream's name.
    pub stream: String,
    pub shard: String,
    /// In the shard's order.
    pub records: Vec<Record>,
}

#[derive(Debug, Clone)]
pub struct Record {
    /// The sequence number.
    pub id: String,
    /// The partition key.
    pub key: String,
    /// When it arrived, milliseconds since the epoch.
    pub timestamp_ms: f64,
    pub data: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct Scheduled {
    /// The schedule's name.
    pub schedule: String,
    pub cron: String,
    /// When the tick was due, milliseconds since the epoch.
    pub time_ms: f64,
}

/// What is to come again.
#[derive(Debug, Clone)]
pub struct Failure {
    pub id: String,
    /// Messages only; the queue's own delay when left out.
    pub delay_seconds: Option<u32>,
}

impl Failure {
    pub fn of(id: impl Into<String>) -> Failure {
        Failure { id: id.into(), delay_seconds: None }
    }
}

impl QueueBatch {
    pub(crate) fn read(mut event: Value) -> Result<QueueBatch, Error> {
        let messages = event.take_array("messages")?.into_iter().map(Message::read).collect::<Result<_, _>>()?;
        Ok(QueueBatch { queue: event.take_string("queue")?, messages })
    }
}

impl Message {
    fn read(mut message: Value) -> Result<Message, Error> {
        let attributes = match message.take("attributes") {
            Some(Value::Map(entries)) => entries,
            _ => Vec::new(),
        };
        Ok(Message {
            id: message.take_string("id")?,
            timestamp_ms: message.take_number("timestamp")?,
            attempts: message.take_number("attempts")? as u32,
            body: message.take_bytes("body")?,
            attributes: attributes.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_string()))).collect(),
            group: message.take_string("group").ok(),
        })
    }

    /// The body as text, what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl StreamBatch {
    pub(crate) fn read(mut event: Value) -> Result<StreamBatch, Error> {
        let records = event.take_array("records")?.into_iter().map(Record::read).collect::<Result<_, _>>()?;
        Ok(StreamBatch { stream: event.take_string("stream")?, shard: event.take_string("shard")?, records })
    }
}

impl Record {
    fn read(mut record: Value) -> Result<Record, Error> {
        Ok(Record {
            id: record.take_string("id")?,
            key: record.take_string("key")?,
            timestamp_ms: record.take_number("timestamp")?,
            data: record.take_bytes("data")?,
        })
    }
}

impl Scheduled {
    pub(crate) fn read(mut event: Value) -> Result<Scheduled, Error> {
        Ok(Scheduled {
            schedule: event.take_string("schedule")?,
            cron: event.take_string("cron")?,
            time_ms: event.take_number("time")?,
        })
    }
}

pub(crate) fn failures(list: Vec<Failure>) -> Value {
    let entry = |Failure { id, delay_seconds }| match delay_seconds {
        Some(delay) => Value::map([("id", Value::from(id)), ("delay", Value::from(delay))]),
        None => Value::map([("id", Value::from(id))]),
    };
    Value::map([("failures", Value::Array(list.into_iter().map(entry).collect()))])
}
