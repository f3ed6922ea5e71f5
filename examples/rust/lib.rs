//! `/` greets, everything else is an echo. rust.wasm is committed; `node examples/build.ts` makes it from this file.

use ampoule::{Context, Error, Function, Request, Response, Value};

struct Echo;

impl Function for Echo {
    fn http(request: Request, _: &Context) -> Result<Response, Error> {
        Ok(match (&request.body, request.path()) {
            (Some(body), _) => Response::new(200).header("content-type", "application/octet-stream").body(body.clone()),
            (None, "/") => Response::text(200, "Hello from Rust\n"),
            (None, path) => Response::text(200, path),
        })
    }

    fn invoke(payload: Value, _: &Context) -> Result<Value, Error> {
        Ok(payload)
    }
}

ampoule::export!(Echo);
