/*
 * A function in freestanding C: no libc, no WASI, no imports at all. `/` greets, everything else is an echo.
 * hello.wasm is committed; `node examples/build.ts` makes it from this file.
 */
#define AMPOULE_IMPLEMENTATION
#include "ampoule.h"

static const char greeting[] = "Hello from C\n";

void ampoule_handle(const amp_event *event, amp_writer *out) {
  if (event->type == AMP_INVOKE) {
    amp_write_map(out, 1);
    amp_write_string(out, "payload");
    if (event->payload.data != NULL) amp_write_raw(out, event->payload.data, event->payload.length);
    else amp_write_nil(out);
  } else if (event->body.data != NULL) {
    amp_respond(out, 200, "application/octet-stream", event->body.data, event->body.length);
  } else if (amp_equals(amp_path(event), "/")) {
    amp_respond(out, 200, "text/plain; charset=utf-8", greeting, sizeof greeting - 1);
  } else {
    amp_slice path = amp_path(event);
    amp_respond(out, 200, "text/plain; charset=utf-8", path.data, path.length);
  }
}
