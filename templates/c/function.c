#define AMPOULE_IMPLEMENTATION
#include "ampoule.h"

/* GET /{{name}}/?name=you */
static void greet(const amp_event *event, amp_writer *out) {
  amp_slice greeting = amp_env("GREETING"), name = amp_query(event, "name");
  amp_writer text = {0};
  amp_write_raw(&text, greeting.data, greeting.length);
  amp_write_raw(&text, ", ", 2);
  if (name.data == NULL) amp_write_raw(&text, "world", 5);
  else amp_write_raw(&text, name.data, name.length);
  amp_write_raw(&text, "!\n", 2);
  amp_respond(out, 200, "text/plain; charset=utf-8", text.start, text.length);
}

/* ampoule invoke {{name}} --data '{"numbers":[1,2,3]}' */
static void add(const amp_event *event, amp_writer *out) {
  amp_reader numbers = amp_get(event->payload, "numbers");
  uint32_t count = amp_read_array(&numbers);
  double sum = 0;
  for (uint32_t i = 0; i < count && !numbers.failed; i++) sum += amp_read_number(&numbers);
  if (numbers.failed) {
    amp_fail(out, "BadPayload", "numbers is no list of numbers");
    return;
  }
  amp_write_map(out, 1);
  amp_write_string(out, "payload");
  amp_write_map(out, 1);
  amp_write_string(out, "sum");
  amp_write_number(out, sum);
}

void ampoule_handle(const amp_event *event, amp_writer *out) {
  amp_log_slice(event->id);
  if (event->type == AMP_INVOKE) add(event, out);
  else if (event->type != AMP_HTTP) amp_fail(out, "UnsupportedEvent", "the function has no handler for these events");
  else if (amp_equals(event->method, "POST")) amp_respond(out, 200, "application/octet-stream", event->body.data, event->body.length);
  else greet(event, out);
}
