//! Functions for Ampoule in Rust: build for `wasm32-unknown-unknown` as a `cdylib`.
//!
//! ```ignore
//! use ampoule::{Context, Error, Function, Request, Response};
//!
//! struct Hello;
//! impl Function for Hello {
//!     fn http(request: Request, _: &Context) -> Result<Response, Error> {
//!         Ok(Response::text(200, format!("Hello, {}!\n", request.query("name").unwrap_or_else(|| "world".into()))))
//!     }
//! }
//! ampoule::export!(Hello);
//! ```
//!
//! `println!`, `std::env`, `std::time` and `HashMap`'s random keys have nothing behind them on this target: use [`log`],
//! [`env`], [`now_ms`] and [`random`]. Every invocation starts from the same snapshot of the memory.

mod batch;
mod codec;
mod error;
mod host;
mod http;
#[doc(hidden)]
pub mod run;

pub use batch::{Failure, Message, QueueBatch, Record, Scheduled, StreamBatch};
pub use codec::Value;
pub use error::Error;
pub use host::{env, log, monotonic_ns, now_ms, print, random, random_bytes};
pub use http::{Request, Response};

/// What is known about the invocation.
#[derive(Debug, Clone)]
pub struct Context {
    /// The request id, as in the host's log.
    pub id: String,
    /// The function's name.
    pub function: String,
    /// Milliseconds since the epoch at which the invocation is ended.
    pub deadline_ms: f64,
}

impl Context {
    pub fn remaining_ms(&self) -> f64 {
        (self.deadline_ms - now_ms()).max(0.0)
    }
}

/// The function: what it does not define, it answers with an error.
pub trait Function {
    fn http(_request: Request, _context: &Context) -> Result<Response, Error> {
        Err(Error::unsupported("http"))
    }
    fn invoke(_payload: Value, _context: &Context) -> Result<Value, Error> {
        Err(Error::unsupported("invoke"))
    }
    /// The messages that are to come again; all others are done.
    fn queue(_batch: QueueBatch, _context: &Context) -> Result<Vec<Failure>, Error> {
        Err(Error::unsupported("queue"))
    }
    /// The first failed record and all that follow it come again.
    fn stream(_batch: StreamBatch, _context: &Context) -> Result<Vec<Failure>, Error> {
        Err(Error::unsupported("stream"))
    }
    fn scheduled(_event: Scheduled, _context: &Context) -> Result<(), Error> {
        Err(Error::unsupported("scheduled"))
    }
}

/// Exports the function: once per crate.
#[macro_export]
macro_rules! export {
    ($function:ty) => {
        #[no_mangle]
        pub unsafe extern "C" fn handle(event: *mut u8, length: usize) -> *mut $crate::run::Answer {
            $crate::run::handle::<$function>(event, length)
        }
        #[no_mangle]
        pub unsafe extern "C" fn cabi_post_handle(answer: *mut $crate::run::Answer) {
            $crate::run::post_handle(answer)
        }
        #[no_mangle]
        pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
            $crate::run::realloc(old, old_size, align, size)
        }
    };
}
