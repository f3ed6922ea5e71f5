/* Gives back what it was sent: an http event's body as the response's body, an invoke event's payload as the payload. */
#define AMPOULE_IMPLEMENTATION
#include "../../../guest-sdk/c/ampoule.h"

void ampoule_handle(const amp_event *event, amp_writer *out) {
  if (event->type == AMP_HTTP) {
    amp_slice type = amp_header(event, "content-type");
    amp_slice body = event->body.data != NULL ? event->body : amp_path(event);
    amp_write_map(out, 3);
    amp_write_string(out, "status");
    amp_write_uint(out, 200);
    amp_write_string(out, "headers");
    amp_write_array(out, 1);
    amp_write_array(out, 2);
    amp_write_string(out, "content-type");
    if (type.data != NULL) amp_write_slice(out, type);
    else amp_write_string(out, "text/plain;charset=utf-8");
    amp_write_string(out, "body");
    amp_write_binary(out, body.data, body.length);
  } else {
    amp_write_map(out, 1);
    amp_write_string(out, "payload");
    if (event->payload.data != NULL) amp_write_raw(out, event->payload.data, event->payload.length);
    else amp_write_nil(out);
  }
}
