use ampoule::{env, log, Context, Error, Function, Request, Response, Value};

struct Greeter;

impl Function for Greeter {
    /// GET /{{name}}/?name=you
    fn http(request: Request, context: &Context) -> Result<Response, Error> {
        log(format!("{} {} ({})", request.method, request.path(), context.id));
        if request.method == "POST" {
            return Ok(Response::new(200).body(request.body.unwrap_or_default()));
        }
        let name = request.query("name").unwrap_or_else(|| "world".into());
        let greeting = env("GREETING").unwrap_or_else(|| "Hello".into());
        Ok(Response::text(200, format!("{greeting}, {name}!\n")))
    }

    /// ampoule invoke {{name}} --data '{"numbers":[1,2,3]}'
    fn invoke(payload: Value, _: &Context) -> Result<Value, Error> {
        let numbers = payload.get("numbers").and_then(Value::as_array).ok_or_else(|| Error::new("BadPayload", "numbers is no list"))?;
        let sum: f64 = numbers.iter().filter_map(Value::as_f64).sum();
        Ok(Value::map([("sum", Value::from(sum))]))
    }
}

ampoule::export!(Greeter);
