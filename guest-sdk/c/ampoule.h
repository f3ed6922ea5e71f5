/*
 * Ampoule's event world for freestanding C: one header, no libc.
 *
 *   #define AMPOULE_IMPLEMENTATION
 *   #include "ampoule.h"
 *   void ampoule_handle(const amp_event *event, amp_writer *out) { amp_respond_text(out, 200, "Hello\n"); }
 *
 * The header exports what the component model's canonical ABI asks of a core module (`handle`, `cabi_realloc`,
 * `cabi_post_handle`, `memory`) and has a MessagePack reader and writer for the shapes in docs/events.md.
 * Log, environment, clock and random numbers are functions of WASI 0.2; a module imports only those that it calls.
 * Memory comes from a bump allocator that is emptied after every call; the host restores the instance anyway.
 *
 * `"source": "./function.c"` in ampoule.jsonc builds it; by hand:
 * clang --target=wasm32 -Os -nostdlib -ffreestanding -mbulk-memory -Wl,--no-entry -o function.core.wasm function.c
 */
#ifndef AMPOULE_H
#define AMPOULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to the event; valid until the call returns. `data` is NULL for nil and for what was not sent. */
typedef struct {
  const uint8_t *data;
  uint32_t length;
} amp_slice;

/* Reads MessagePack. After a failure `failed` stays true and every read yields nothing. */
typedef struct {
  const uint8_t *at;
  const uint8_t *end;
  bool failed;
} amp_reader;

/* Writes MessagePack into memory that grows as needed. */
typedef struct {
  uint8_t *start;
  uint32_t length;
  uint32_t capacity;
  /* Set by amp_fail: what was written is an error. */
  bool failed;
} amp_writer;

typedef enum { AMP_UNKNOWN, AMP_HTTP, AMP_INVOKE, AMP_WARM, AMP_QUEUE, AMP_STREAM, AMP_SCHEDULED } amp_event_type;

typedef struct {
  amp_event_type type;
  amp_slice id;
  amp_slice fn;
  amp_slice method;
  amp_slice url;
  /* The MessagePack of the headers: an array of [name, value]; see amp_header. */
  amp_slice headers;
  amp_slice body;
  /* The MessagePack of an invoke event's payload; amp_write_raw passes it on as it is. */
  amp_slice payload;
  /* Of the queue, stream or schedule. */
  amp_slice name;
  amp_slice shard;
  amp_slice cron;
  /* The MessagePack of a batch's messages or records; see amp_items. */
  amp_slice items;
  /* Milliseconds since the epoch: when the invocation is ended, and when a scheduled tick was due. */
  double deadline_ms;
  double time_ms;
} amp_event;

/* A message of a queue or a record of a stream; what the one or the other lacks is empty. */
typedef struct {
  amp_slice id;
  amp_slice key;
  /* A message's body or a record's data. */
  amp_slice body;
  double timestamp_ms;
  uint32_t attempts;
} amp_item;

/* The author's function: writes the answer (one MessagePack value). An answer of no bytes is an error for the caller. */
void ampoule_handle(const amp_event *event, amp_writer *out);

/* ---- the host ---- */
/* A line of the function's log. */
void amp_log(const char *line);
void amp_log_slice(amp_slice line);
/* An environment variable of the function's configuration, or a slice without data. */
amp_slice amp_env(const char *name);
/* 64 bits that nobody else gets. */
uint64_t amp_random(void);
/* Milliseconds since the epoch. */
double amp_now_ms(void);

/* ---- memory ---- */
void *amp_allocate(uint32_t size, uint32_t align);

/* ---- reading ---- */
uint32_t amp_read_map(amp_reader *reader);
uint32_t amp_read_array(amp_reader *reader);
/* A string or binary; `data` is NULL for nil. */
amp_slice amp_read_bytes(amp_reader *reader);
uint64_t amp_read_uint(amp_reader *reader);
/* A number of any kind. */
double amp_read_number(amp_reader *reader);
/* Skips one value, whatever its depth (no recursion), and returns its bytes. */
amp_slice amp_skip(amp_reader *reader);
bool amp_equals(amp_slice slice, const char *text);
/* The first header of that (lower case) name, or a slice without data. */
amp_slice amp_header(const amp_event *event, const char *name);
/* The path of the event's URL, without query. */
amp_slice amp_path(const amp_event *event);
/* The first parameter of that name in the event's URL, decoded, or a slice without data. */
amp_slice amp_query(const amp_event *event, const char *name);
/* Reads a slice of MessagePack: a payload, say. */
amp_reader amp_open(amp_slice message);
/* Moves a reader into a map, to the value of `key`; the reader has failed when this is no map or has no such key. */
amp_reader amp_get(amp_slice map, const char *key);
/* `for (amp_reader at = amp_items(event); amp_next(&at, &item);)`: the messages or records of a batch. */
amp_reader amp_items(const amp_event *event);
bool amp_next(amp_reader *items, amp_item *item);

/* ---- writing ---- */
void amp_write_map(amp_writer *out, uint32_t entries);
void amp_write_array(amp_writer *out, uint32_t items);
void amp_write_uint(amp_writer *out, uint64_t value);
void amp_write_number(amp_writer *out, double value);
void amp_write_nil(amp_writer *out);
void amp_write_string(amp_writer *out, const char *text);
void amp_write_slice(amp_writer *out, amp_slice text);
void amp_write_binary(amp_writer *out, const void *data, uint32_t length);
void amp_write_raw(amp_writer *out, const void *data, uint32_t length);
/* A whole answer to an http event. */
void amp_respond(amp_writer *out, uint32_t status, const char *content_type, const void *body, uint32_t length);
void amp_respond_text(amp_writer *out, uint32_t status, const char *text);
/* A failed invocation in place of whatever was written: the author's log has name and message. */
void amp_fail(amp_writer *out, const char *name, const char *message);
/* A whole answer to a batch: none is to come again. With failures write {"failures": [{"id": …}]} instead. */
void amp_done(amp_writer *out);

#endif

#ifdef AMPOULE_IMPLEMENTATION

#define AMP_PAGE 65536u
#define AMP_EXPORT(name) __attribute__((export_name(name)))

/* The linker puts the end of static data (and of the stack) here. */
extern uint8_t __heap_base;
static uintptr_t amp_top;

/* One bulk instruction; a call to memcpy would need a libc. */
static void amp_copy(void *to, const void *from, uint32_t length) {
  __asm__ volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.copy 0, 0" ::"r"(to), "r"(from), "r"(length) : "memory");
}

void *amp_allocate(uint32_t size, uint32_t align) {
  if (amp_top == 0) amp_top = (uintptr_t)&__heap_base;
  uintptr_t start = (amp_top + (align - 1)) & ~(uintptr_t)(align - 1);
  uintptr_t end = start + size;
  uintptr_t limit = (uintptr_t)__builtin_wasm_memory_size(0) * AMP_PAGE;
  /* `limit` wraps to 0 at 4 GiB; such a memory has room for whatever did not wrap itself. */
  if (start < amp_top || end < start) __builtin_trap();
  if (limit != 0 && end > limit && __builtin_wasm_memory_grow(0, (end - limit + AMP_PAGE - 1) / AMP_PAGE) == (size_t)-1) __builtin_trap();
  amp_top = end;
  return (void *)start;
}

AMP_EXPORT("cabi_realloc") void *amp_cabi_realloc(void *old, uint32_t old_size, uint32_t align, uint32_t new_size) {
  if (new_size <= old_size && old != NULL) return old;
  void *fresh = amp_allocate(new_size, align);
  if (old != NULL && old_size != 0) amp_copy(fresh, old, old_size);
  return fresh;
}

static uint64_t amp_take(amp_reader *reader, uint32_t bytes) {
  if (reader->failed || (uint32_t)(reader->end - reader->at) < bytes) {
    reader->failed = true;
    return 0;
  }
  uint64_t value = 0;
  for (uint32_t i = 0; i < bytes; i++) value = value << 8 | *reader->at++;
  return value;
}

static amp_slice amp_take_slice(amp_reader *reader, uint32_t length) {
  if (reader->failed || (uint32_t)(reader->end - reader->at) < length) {
    reader->failed = true;
    return (amp_slice){NULL, 0};
  }
  amp_slice slice = {reader->at, length};
  reader->at += length;
  return slice;
}

uint32_t amp_read_map(amp_reader *reader) {
  uint8_t token = (uint8_t)amp_take(reader, 1);
  if ((token & 0xf0) == 0x80) return token & 0x0f;
  if (token == 0xde) return (uint32_t)amp_take(reader, 2);
  if (token == 0xdf) return (uint32_t)amp_take(reader, 4);
  reader->failed = true;
  return 0;
}

uint32_t amp_read_array(amp_reader *reader) {
  uint8_t token = (uint8_t)amp_take(reader, 1);
  if ((token & 0xf0) == 0x90) return token & 0x0f;
  if (token == 0xdc) return (uint32_t)amp_take(reader, 2);
  if (token == 0xdd) return (uint32_t)amp_take(reader, 4);
  reader->failed = true;
  return 0;
}

amp_slice amp_read_bytes(amp_reader *reader) {
  uint8_t token = (uint8_t)amp_take(reader, 1);
  if (token == 0xc0) return (amp_slice){NULL, 0};
  if ((token & 0xe0) == 0xa0) return amp_take_slice(reader, token & 0x1f);
  if (token == 0xc4 || token == 0xd9) return amp_take_slice(reader, (uint32_t)amp_take(reader, 1));
  if (token == 0xc5 || token == 0xda) return amp_take_slice(reader, (uint32_t)amp_take(reader, 2));
  if (token == 0xc6 || token == 0xdb) return amp_take_slice(reader, (uint32_t)amp_take(reader, 4));
  reader->failed = true;
  return (amp_slice){NULL, 0};
}

double amp_read_number(amp_reader *reader) {
  if (reader->failed || reader->at == reader->end) {
    reader->failed = true;
    return 0;
  }
  uint8_t token = *reader->at;
  if (token < 0x80 || (token >= 0xcc && token <= 0xcf)) return (double)amp_read_uint(reader);
  reader->at++;
  if (token >= 0xe0) return (int8_t)token;
  if (token >= 0xd0 && token <= 0xd3) {
    uint32_t bytes = 1u << (token - 0xd0), unused = 64 - 8 * bytes;
    return (double)((int64_t)(amp_take(reader, bytes) << unused) >> unused);
  }
  if (token == 0xca) {
    union { uint32_t bits; float value; } number = {(uint32_t)amp_take(reader, 4)};
    return number.value;
  }
  if (token == 0xcb) {
    union { uint64_t bits; double value; } number = {amp_take(reader, 8)};
    return number.value;
  }
  reader->failed = true;
  return 0;
}

uint64_t amp_read_uint(amp_reader *reader) {
  uint8_t token = (uint8_t)amp_take(reader, 1);
  if (token < 0x80) return token;
  if (token >= 0xcc && token <= 0xcf) return amp_take(reader, 1u << (token - 0xcc));
  reader->failed = true;
  return 0;
}

amp_slice amp_skip(amp_reader *reader) {
  const uint8_t *start = reader->at;
  uint64_t left = 1;
  while (left > 0 && !reader->failed) {
    left--;
    uint8_t token = (uint8_t)amp_take(reader, 1);
    if (token < 0x80 || token >= 0xe0) continue;
    if ((token & 0xf0) == 0x80) left += 2u * (token & 0x0f);
    else if ((token & 0xf0) == 0x90) left += token & 0x0f;
    else if ((token & 0xe0) == 0xa0) amp_take_slice(reader, token & 0x1f);
    else switch (token) {
      case 0xc0: case 0xc2: case 0xc3: break;
      case 0xc4: case 0xd9: amp_take_slice(reader, (uint32_t)amp_take(reader, 1)); break;
      case 0xc5: case 0xda: amp_take_slice(reader, (uint32_t)amp_take(reader, 2)); break;
      case 0xc6: case 0xdb: amp_take_slice(reader, (uint32_t)amp_take(reader, 4)); break;
      case 0xcc: case 0xd0: amp_take(reader, 1); break;
      case 0xcd: case 0xd1: amp_take(reader, 2); break;
      case 0xca: case 0xce: case 0xd2: amp_take(reader, 4); break;
      case 0xcb: case 0xcf: case 0xd3: amp_take(reader, 8); break;
      case 0xdc: left += amp_take(reader, 2); break;
      case 0xdd: left += amp_take(reader, 4); break;
      case 0xde: left += 2 * amp_take(reader, 2); break;
      case 0xdf: left += 2 * amp_take(reader, 4); break;
      default: reader->failed = true; /* extension types and 0xc1 are not part of an event */
    }
  }
  return reader->failed ? (amp_slice){NULL, 0} : (amp_slice){start, (uint32_t)(reader->at - start)};
}

bool amp_equals(amp_slice slice, const char *text) {
  for (uint32_t i = 0; i < slice.length; i++)
    if (text[i] == 0 || (uint8_t)text[i] != slice.data[i]) return false;
  return slice.data != NULL && text[slice.length] == 0;
}

amp_slice amp_header(const amp_event *event, const char *name) {
  amp_reader reader = {event->headers.data, event->headers.data + event->headers.length, event->headers.data == NULL};
  uint32_t count = amp_read_array(&reader);
  for (uint32_t i = 0; i < count && !reader.failed; i++) {
    if (amp_read_array(&reader) != 2) break;
    amp_slice key = amp_read_bytes(&reader);
    amp_slice value = amp_read_bytes(&reader);
    if (!reader.failed && amp_equals(key, name)) return value;
  }
  return (amp_slice){NULL, 0};
}

amp_slice amp_path(const amp_event *event) {
  amp_slice url = event->url;
  uint32_t start = 0, slashes = 0;
  while (start < url.length && (url.data[start] != '/' || ++slashes < 3)) start++;
  uint32_t end = start;
  while (end < url.length && url.data[end] != '?' && url.data[end] != '#') end++;
  return (amp_slice){url.data + start, end - start};
}

static int amp_hex(uint8_t digit) {
  return digit >= '0' && digit <= '9' ? digit - '0' : (digit | 32) >= 'a' && (digit | 32) <= 'f' ? (digit | 32) - 'a' + 10 : -1;
}

/* `+` and %XX; what is not hexadecimal stays as it is. */
static amp_slice amp_decode(amp_slice text) {
  uint8_t *out = amp_allocate(text.length, 1);
  uint32_t length = 0;
  for (uint32_t i = 0; i < text.length; i++) {
    int high = -1, low = -1;
    if (text.data[i] == '%' && text.length - i > 2) high = amp_hex(text.data[i + 1]), low = amp_hex(text.data[i + 2]);
    out[length++] = high >= 0 && low >= 0 ? (uint8_t)(high << 4 | low) : text.data[i] == '+' ? ' ' : text.data[i];
    if (high >= 0 && low >= 0) i += 2;
  }
  return (amp_slice){out, length};
}

amp_slice amp_query(const amp_event *event, const char *name) {
  amp_slice url = event->url;
  uint32_t at = 0;
  while (at < url.length && url.data[at] != '?' && url.data[at] != '#') at++;
  while (at < url.length && url.data[at] != '#') {
    uint32_t start = ++at, equals = UINT32_MAX;
    for (; at < url.length && url.data[at] != '&' && url.data[at] != '#'; at++)
      if (url.data[at] == '=' && equals == UINT32_MAX) equals = at;
    if (equals == UINT32_MAX) equals = at;
    if (!amp_equals(amp_decode((amp_slice){url.data + start, equals - start}), name)) continue;
    uint32_t value = equals < at ? equals + 1 : at;
    return amp_decode((amp_slice){url.data + value, at - value});
  }
  return (amp_slice){NULL, 0};
}

amp_reader amp_open(amp_slice message) {
  return (amp_reader){message.data, message.data + message.length, message.data == NULL};
}

amp_reader amp_get(amp_slice map, const char *key) {
  amp_reader reader = amp_open(map);
  uint32_t entries = amp_read_map(&reader);
  for (uint32_t i = 0; i < entries && !reader.failed; i++) {
    if (amp_equals(amp_read_bytes(&reader), key)) return reader;
    amp_skip(&reader);
  }
  reader.failed = true;
  return reader;
}

amp_reader amp_items(const amp_event *event) {
  amp_reader reader = amp_open(event->items);
  amp_read_array(&reader);
  return reader;
}

bool amp_next(amp_reader *items, amp_item *item) {
  if (items->failed || items->at == items->end) return false;
  *item = (amp_item){0};
  uint32_t entries = amp_read_map(items);
  for (uint32_t i = 0; i < entries && !items->failed; i++) {
    amp_slice key = amp_read_bytes(items);
    if (amp_equals(key, "id")) item->id = amp_read_bytes(items);
    else if (amp_equals(key, "key")) item->key = amp_read_bytes(items);
    else if (amp_equals(key, "body") || amp_equals(key, "data")) item->body = amp_read_bytes(items);
    else if (amp_equals(key, "timestamp")) item->timestamp_ms = amp_read_number(items);
    else if (amp_equals(key, "attempts")) item->attempts = (uint32_t)amp_read_uint(items);
    else amp_skip(items);
  }
  return !items->failed;
}

static bool amp_parse(amp_reader *reader, amp_event *event) {
  uint32_t entries = amp_read_map(reader);
  for (uint32_t i = 0; i < entries && !reader->failed; i++) {
    amp_slice key = amp_read_bytes(reader);
    if (amp_equals(key, "type")) {
      amp_slice type = amp_read_bytes(reader);
      event->type = amp_equals(type, "http") ? AMP_HTTP : amp_equals(type, "invoke") ? AMP_INVOKE : amp_equals(type, "warm") ? AMP_WARM : AMP_UNKNOWN;
      if (amp_equals(type, "queue")) event->type = AMP_QUEUE;
      else if (amp_equals(type, "stream")) event->type = AMP_STREAM;
      else if (amp_equals(type, "scheduled")) event->type = AMP_SCHEDULED;
    } else if (amp_equals(key, "id")) event->id = amp_read_bytes(reader);
    else if (amp_equals(key, "fn")) event->fn = amp_read_bytes(reader);
    else if (amp_equals(key, "method")) event->method = amp_read_bytes(reader);
    else if (amp_equals(key, "url")) event->url = amp_read_bytes(reader);
    else if (amp_equals(key, "headers")) event->headers = amp_skip(reader);
    else if (amp_equals(key, "body")) event->body = amp_read_bytes(reader);
    else if (amp_equals(key, "payload")) event->payload = amp_skip(reader);
    else if (amp_equals(key, "queue") || amp_equals(key, "stream") || amp_equals(key, "schedule")) event->name = amp_read_bytes(reader);
    else if (amp_equals(key, "shard")) event->shard = amp_read_bytes(reader);
    else if (amp_equals(key, "cron")) event->cron = amp_read_bytes(reader);
    else if (amp_equals(key, "messages") || amp_equals(key, "records")) event->items = amp_skip(reader);
    else if (amp_equals(key, "deadline")) event->deadline_ms = amp_read_number(reader);
    else if (amp_equals(key, "time")) event->time_ms = amp_read_number(reader);
    else amp_skip(reader);
  }
  return !reader->failed;
}

static uint8_t *amp_reserve(amp_writer *out, uint32_t bytes) {
  uint32_t need = out->length + bytes;
  if (need < bytes) __builtin_trap();
  if (need > out->capacity) {
    uint32_t capacity = out->capacity < 512 ? 512 : out->capacity;
    while (capacity < need) capacity = capacity > 0x40000000u ? need : capacity * 2;
    uint8_t *fresh = amp_allocate(capacity, 8);
    if (out->length != 0) amp_copy(fresh, out->start, out->length);
    out->start = fresh;
    out->capacity = capacity;
  }
  uint8_t *at = out->start + out->length;
  out->length = need;
  return at;
}

static void amp_write_head(amp_writer *out, uint8_t token, uint64_t value, uint32_t bytes) {
  uint8_t *at = amp_reserve(out, 1 + bytes);
  *at = token;
  for (uint32_t i = bytes; i > 0; i--, value >>= 8) at[i] = (uint8_t)value;
}

void amp_write_map(amp_writer *out, uint32_t entries) {
  if (entries < 16) amp_write_head(out, (uint8_t)(0x80 | entries), 0, 0);
  else amp_write_head(out, 0xdf, entries, 4);
}

void amp_write_array(amp_writer *out, uint32_t items) {
  if (items < 16) amp_write_head(out, (uint8_t)(0x90 | items), 0, 0);
  else amp_write_head(out, 0xdd, items, 4);
}

void amp_write_uint(amp_writer *out, uint64_t value) {
  if (value < 128) amp_write_head(out, (uint8_t)value, 0, 0);
  else if (value <= 0xffff) amp_write_head(out, 0xcd, value, 2);
  else if (value <= 0xffffffff) amp_write_head(out, 0xce, value, 4);
  else amp_write_head(out, 0xcf, value, 8);
}

void amp_write_number(amp_writer *out, double value) {
  union { double value; uint64_t bits; } number = {value};
  amp_write_head(out, 0xcb, number.bits, 8);
}

void amp_write_nil(amp_writer *out) { amp_write_head(out, 0xc0, 0, 0); }

void amp_write_raw(amp_writer *out, const void *data, uint32_t length) {
  uint8_t *at = amp_reserve(out, length);
  if (length != 0) amp_copy(at, data, length);
}

void amp_write_slice(amp_writer *out, amp_slice text) {
  if (text.length < 32) amp_write_head(out, (uint8_t)(0xa0 | text.length), 0, 0);
  else amp_write_head(out, 0xdb, text.length, 4);
  amp_write_raw(out, text.data, text.length);
}

void amp_write_string(amp_writer *out, const char *text) {
  uint32_t length = 0;
  while (text[length] != 0) length++;
  amp_write_slice(out, (amp_slice){(const uint8_t *)text, length});
}

void amp_write_binary(amp_writer *out, const void *data, uint32_t length) {
  amp_write_head(out, 0xc6, length, 4);
  amp_write_raw(out, data, length);
}

void amp_respond(amp_writer *out, uint32_t status, const char *content_type, const void *body, uint32_t length) {
  amp_write_map(out, 3);
  amp_write_string(out, "status");
  amp_write_uint(out, status);
  amp_write_string(out, "headers");
  amp_write_array(out, 1);
  amp_write_array(out, 2);
  amp_write_string(out, "content-type");
  amp_write_string(out, content_type);
  amp_write_string(out, "body");
  amp_write_binary(out, body, length);
}

void amp_respond_text(amp_writer *out, uint32_t status, const char *text) {
  uint32_t length = 0;
  while (text[length] != 0) length++;
  amp_respond(out, status, "text/plain; charset=utf-8", text, length);
}

void amp_done(amp_writer *out) { amp_write_map(out, 0); }

void amp_fail(amp_writer *out, const char *name, const char *message) {
  out->length = 0;
  out->failed = true;
  amp_write_map(out, 3);
  amp_write_string(out, "name");
  amp_write_string(out, name);
  amp_write_string(out, "message");
  amp_write_string(out, message);
  amp_write_string(out, "stack");
  amp_write_string(out, "");
}

/* ---- WASI 0.2, by the canonical ABI ---- */
#define AMP_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
AMP_IMPORT("wasi:cli/environment@0.2.0", "get-environment") void amp_wasi_environment(void *result);
AMP_IMPORT("wasi:cli/stderr@0.2.0", "get-stderr") uint32_t amp_wasi_stderr(void);
AMP_IMPORT("wasi:io/streams@0.2.0", "[method]output-stream.blocking-write-and-flush")
void amp_wasi_write(uint32_t stream, const void *data, uint32_t length, void *result);
AMP_IMPORT("wasi:io/streams@0.2.0", "[resource-drop]output-stream") void amp_wasi_drop_stream(uint32_t stream);
AMP_IMPORT("wasi:clocks/wall-clock@0.2.0", "now") void amp_wasi_now(void *result);
AMP_IMPORT("wasi:random/random@0.2.0", "get-random-u64") uint64_t amp_wasi_random(void);

/* What one call of the stream takes. */
#define AMP_WRITE_BYTES 4096u

void amp_log_slice(amp_slice line) {
  uint32_t result[3], stream = amp_wasi_stderr();
  for (uint32_t at = 0; at < line.length; at += AMP_WRITE_BYTES)
    amp_wasi_write(stream, line.data + at, line.length - at < AMP_WRITE_BYTES ? line.length - at : AMP_WRITE_BYTES, result);
  amp_wasi_write(stream, "\n", 1, result);
  amp_wasi_drop_stream(stream);
}

void amp_log(const char *line) {
  uint32_t length = 0;
  while (line[length] != 0) length++;
  amp_log_slice((amp_slice){(const uint8_t *)line, length});
}

amp_slice amp_env(const char *name) {
  struct { const amp_slice (*entries)[2]; uint32_t count; } list;
  amp_wasi_environment(&list);
  for (uint32_t i = 0; i < list.count; i++)
    if (amp_equals(list.entries[i][0], name)) return list.entries[i][1];
  return (amp_slice){NULL, 0};
}

uint64_t amp_random(void) { return amp_wasi_random(); }

double amp_now_ms(void) {
  struct { uint64_t seconds; uint32_t nanoseconds; } now;
  amp_wasi_now(&now);
  return (double)now.seconds * 1000 + now.nanoseconds / 1e6;
}

/* result<list<u8>, list<u8>>: the tag at 0, pointer at 4, length at 8. */
typedef struct {
  uint32_t tag;
  uint32_t pointer;
  uint32_t length;
} amp_result;

AMP_EXPORT("handle") amp_result *amp_export_handle(const uint8_t *data, uint32_t length) {
  amp_reader reader = {data, data + length, false};
  amp_event event = {0};
  amp_writer out = {0};
  bool ok = amp_parse(&reader, &event);
  if (!ok) amp_fail(&out, "InvalidEvent", "the event is not the MessagePack that docs/events.md describes");
  else if (event.type == AMP_WARM) amp_write_nil(&out);
  else {
    ampoule_handle(&event, &out);
    if (out.length == 0) amp_fail(&out, "NoAnswer", "the function wrote no answer");
    ok = !out.failed;
  }
  amp_result *result = amp_allocate(sizeof(amp_result), 4);
  *result = (amp_result){ok ? 0 : 1, (uint32_t)(uintptr_t)out.start, out.length};
  return result;
}

/* The caller has read the result: everything that the call allocated goes at once. */
AMP_EXPORT("cabi_post_handle") void amp_post_handle(const amp_result *result) {
  (void)result;
  amp_top = 0;
}

#endif
