//! What `export!` exports: the canonical ABI of the event world.

use crate::codec::{decode, encode, Value};
use crate::{batch, host, Context, Error, Function, QueueBatch, Request, Scheduled, StreamBatch};
use std::alloc::{alloc, realloc as reallocate, Layout};

/// `result<list<u8>, list<u8>>`.
#[repr(C)]
pub struct Answer {
    tag: u32,
    at: *mut u8,
    length: usize,
}

/// # Safety
/// `event` was given out by [`realloc`] for that many bytes, and belongs to this call.
pub unsafe fn handle<F: Function>(event: *mut u8, length: usize) -> *mut Answer {
    // A panic becomes a trap; this is what the author reads before it.
    std::panic::set_hook(Box::new(|panic| host::log(panic.to_string())));
    let bytes = if length == 0 { Vec::new() } else { Vec::from_raw_parts(event, length, length) };
    let (tag, value) = match answer::<F>(&bytes) {
        Ok(value) => (0, value),
        Err(error) => (1, error.into_value()),
    };
    let bytes = encode(&value).into_boxed_slice();
    let length = bytes.len();
    Box::into_raw(Box::new(Answer { tag, at: Box::into_raw(bytes) as *mut u8, length }))
}

fn answer<F: Function>(bytes: &[u8]) -> Result<Value, Error> {
    let mut event = decode(bytes)?;
    let kind = event.take_string("type")?;
    let context = Context {
        id: event.take_string("id")?,
        function: event.take_string("fn")?,
        deadline_ms: event.take_number("deadline")?,
    };
    match kind.as_str() {
        "warm" => Ok(Value::Nil),
        "http" => F::http(Request::read(event)?, &context).map(|response| response.into_value()),
        "invoke" => {
            let payload = F::invoke(event.take("payload").unwrap_or(Value::Nil), &context)?;
            Ok(Value::map([("payload", payload)]))
        }
        "queue" => F::queue(QueueBatch::read(event)?, &context).map(batch::failures),
        "stream" => F::stream(StreamBatch::read(event)?, &context).map(batch::failures),
        "scheduled" => F::scheduled(Scheduled::read(event)?, &context).map(|()| Value::Map(Vec::new())),
        other => Err(Error::unsupported(other)),
    }
}

/// # Safety
/// `answer` came from [`handle`] and was read.
pub unsafe fn post_handle(answer: *mut Answer) {
    let Answer { at, length, .. } = *Box::from_raw(answer);
    drop(Vec::from_raw_parts(at, length, length));
}

/// # Safety
/// The canonical ABI's `realloc`.
pub unsafe fn realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return align as *mut u8;
    }
    let at = match (Layout::from_size_align(old_size, align), Layout::from_size_align(size, align)) {
        (Ok(before), Ok(_)) if old_size > 0 => reallocate(old, before, size),
        (_, Ok(layout)) => alloc(layout),
        _ => std::ptr::null_mut(),
    };
    if at.is_null() {
        std::process::abort()
    }
    at
}
