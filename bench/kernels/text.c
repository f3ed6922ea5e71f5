/* Kernels over bytes: parsing, scanning, building strings, copying. */
#include "kernels.h"

#define TEXT 65536
static u8 text[TEXT + 64];
static u32 length;

static void put(u8 byte) {
  if (length < TEXT) text[length++] = byte;
}

static void put_text(const char *from) {
  while (*from) put((u8)*from++);
}

static void put_number(u32 value) {
  u8 digits[10];
  u32 n = 0;
  do digits[n++] = (u8)('0' + value % 10);
  while (value /= 10);
  while (n) put(digits[--n]);
}

static void put_value(u32 *seed, u32 level) {
  u32 kind = next_random(seed) >> 7 & 7;
  if (level > 0 && kind < 5) {
    put(kind < 3 ? '{' : '[');
    u32 n = (next_random(seed) >> 5 & 3) + 2;
    for (u32 i = 0; i < n; i++) {
      if (i) put_text(", ");
      if (kind < 3) {
        put_text("\"key-");
        put_number(next_random(seed) & 1023);
        put_text("\": ");
      }
      put_value(seed, level - 1);
    }
    put(kind < 3 ? '}' : ']');
  } else if (kind == 5) put_text("\"some text with an \\\"escape\\\" in it\"");
  else if (kind == 6) put_text("true");
  else put_number(next_random(seed));
}

/* Formats a random document again and again. */
KERNEL(build) {
  u32 hash = 1;
  for (u32 t = 0; t < times; t++) {
    u32 seed = 77 + (t & 3);
    length = 0;
    put('[');
    for (u32 i = 0; i < 60; i++) {
      if (i) put(',');
      put_value(&seed, 4);
    }
    put(']');
    text[length] = 0;
    hash = mix(hash, length ^ (u32)text[length / 2] << 16);
  }
  return hash;
}

static const u8 *cursor;

static void skip_space(void) {
  while (*cursor == ' ' || *cursor == '\n') cursor++;
}

static u32 parse_string(void) {
  u32 hash = 2166136261u;
  for (cursor++; *cursor != '"' && *cursor; cursor++) {
    if (*cursor == '\\') cursor++;
    hash = mix(hash, *cursor);
  }
  cursor++;
  return hash;
}

/* Recursive descent; the answer is a hash of what was read. */
static u32 parse_value(void) {
  skip_space();
  u32 hash = *cursor;
  switch (*cursor) {
    case '{':
    case '[': {
      u8 end = *cursor == '{' ? '}' : ']';
      cursor++;
      for (;;) {
        skip_space();
        if (*cursor == end || *cursor == 0) break;
        if (end == '}') {
          hash = mix(hash, parse_string());
          skip_space();
          cursor++;
        }
        hash = mix(hash, parse_value());
        skip_space();
        if (*cursor == ',') cursor++;
      }
      cursor++;
      return hash;
    }
    case '"': return parse_string();
    case 't': cursor += 4; return 1;
    default: {
      u32 value = 0;
      while (*cursor >= '0' && *cursor <= '9') value = value * 10 + (*cursor++ - '0');
      return mix(hash, value);
    }
  }
}

KERNEL(json) {
  u32 hash = kernel_build(1);
  for (u32 t = 0; t < times; t++) {
    cursor = text;
    hash = mix(hash, parse_value());
  }
  return hash;
}

static u32 string_length(const u8 *from) {
  const u8 *at = from;
  while (*at) at++;
  return (u32)(at - from);
}

/* A loop of four instructions: the least that a check can be hidden behind. */
KERNEL(strlen) {
  for (u32 i = 0; i < TEXT; i++) text[i] = (u8)(i % 255 + 1);
  u32 sum = 0;
  for (u32 t = 0; t < times; t++) {
    text[TEXT - 1 - (t & 15)] = 0;
    sum += string_length(text + (t & 63));
    text[TEXT - 1 - (t & 15)] = 1;
  }
  return sum;
}

/* Words and lines of a text: a small state machine over bytes. */
KERNEL(wordcount) {
  u32 seed = 3, words = 0, lines = 0;
  for (u32 i = 0; i < TEXT; i++) {
    u32 r = next_random(&seed) >> 11;
    text[i] = r % 6 == 0 ? ' ' : r % 61 == 0 ? '\n' : (u8)('a' + r % 26);
  }
  for (u32 t = 0; t < times; t++) {
    u32 in_word = 0;
    for (u32 i = t & 15; i < TEXT; i++) {
      u8 c = text[i];
      u32 space = c == ' ' || c == '\n' || c == '\t';
      if (c == '\n') lines++;
      if (!space && !in_word) words++;
      in_word = !space;
    }
  }
  return words ^ lines << 20;
}

/* Many copies and fills of some hundred bytes: bulk operations go through injected functions. */
KERNEL(copy) {
  static u8 target[8192];
  u32 seed = 21, hash = 1;
  for (u32 i = 0; i < TEXT; i++) text[i] = (u8)(i * 7);
  __builtin_memset(target, 0, sizeof target);
  for (u32 t = 0; t < times * 1000; t++) {
    u32 r = next_random(&seed), n = 32 + (r & 511);
    __builtin_memcpy(target + (r >> 9 & 4095), text + (r >> 12 & 16383), n);
    if ((r & 7) == 0) __builtin_memset(target + (r >> 20 & 4095), (int)(r & 255), n);
    hash = mix(hash, target[r >> 16 & 4095]);
  }
  return hash;
}
