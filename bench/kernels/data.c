/* Kernels over data structures: hashing, sorting, trees, an interpreter, calls through tables. */
#include "kernels.h"

static const u32 ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline u32 rotate(u32 x, u32 n) { return x >> n | x << (32 - n); }

static void sha256_block(u32 state[8], const u8 *block) {
  u32 w[64];
  for (u32 i = 0; i < 16; i++) w[i] = (u32)block[i * 4] << 24 | block[i * 4 + 1] << 16 | block[i * 4 + 2] << 8 | block[i * 4 + 3];
  for (u32 i = 16; i < 64; i++) {
    u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (u32 i = 0; i < 64; i++) {
    u32 t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + w[i];
    u32 t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

KERNEL(sha256) {
  u8 block[64];
  u32 state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (u32 i = 0; i < 64; i++) block[i] = (u8)(i * 37);
  for (u32 t = 0; t < times * 100; t++) {
    block[t & 63] = (u8)t;
    sha256_block(state, block);
  }
  return state[0] ^ state[7];
}

static u32 crc_table[256];
static u8 crc_input[4096];

KERNEL(crc32) {
  for (u32 i = 0; i < 256; i++) {
    u32 c = i;
    for (u32 k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    crc_table[i] = c;
  }
  u32 seed = 7, crc = ~0u;
  for (u32 i = 0; i < sizeof crc_input; i++) crc_input[i] = (u8)next_random(&seed);
  for (u32 t = 0; t < times; t++)
    for (u32 i = 0; i < sizeof crc_input; i++) crc = crc_table[(crc ^ crc_input[i]) & 255] ^ crc >> 8;
  return ~crc;
}

#define ITEMS 4096
static u32 items[ITEMS];

static void quicksort(u32 *from, int low, int high) {
  while (low < high) {
    u32 pivot = from[(low + high) >> 1];
    int i = low, j = high;
    while (i <= j) {
      while (from[i] < pivot) i++;
      while (from[j] > pivot) j--;
      if (i <= j) {
        u32 swap = from[i];
        from[i++] = from[j];
        from[j--] = swap;
      }
    }
    if (j - low < high - i) {
      quicksort(from, low, j);
      low = i;
    } else {
      quicksort(from, i, high);
      high = j;
    }
  }
}

KERNEL(quicksort) {
  u32 seed = 99, hash = 1;
  for (u32 t = 0; t < times; t++) {
    for (u32 i = 0; i < ITEMS; i++) items[i] = next_random(&seed);
    quicksort(items, 0, ITEMS - 1);
    for (u32 i = 0; i < ITEMS; i += 64) hash = mix(hash, items[i]);
  }
  return hash;
}

/* Open addressing with growing clusters and deletions by tombstone. */
#define SLOTS 16384
static u32 keys[SLOTS], values[SLOTS];

static u32 find(u32 key) {
  u32 at = key * 2654435761u >> 18;
  while (keys[at] != 0 && keys[at] != key) at = (at + 1) & (SLOTS - 1);
  return at;
}

KERNEL(hashtable) {
  u32 seed = 5, hash = 1;
  for (u32 t = 0; t < times; t++) {
    for (u32 i = 0; i < SLOTS; i++) keys[i] = 0;
    for (u32 i = 0; i < 10000; i++) {
      u32 key = next_random(&seed) % 9000 + 1, at = find(key);
      values[at] = keys[at] == key ? values[at] + i : i;
      keys[at] = key;
    }
    for (u32 i = 1; i < 20000; i++) {
      u32 at = find(i);
      if (keys[at] == i) hash = mix(hash, values[at]);
    }
  }
  return hash;
}

typedef struct node {
  struct node *left, *right;
  u32 key;
} node;
static node nodes[8192];

static u32 depth(const node *at) {
  if (at == 0) return 0;
  u32 l = depth(at->left), r = depth(at->right);
  return 1 + (l > r ? l : r) + (at->key & 1);
}

/* Pointer chasing down a binary tree, recursion back over it. */
KERNEL(tree) {
  u32 seed = 31, hash = 1;
  for (u32 t = 0; t < times; t++) {
    node *root = 0;
    for (u32 i = 0; i < 2000; i++) {
      node *made = &nodes[i];
      made->left = made->right = 0;
      made->key = next_random(&seed);
      node **link = &root;
      while (*link != 0) link = made->key < (*link)->key ? &(*link)->left : &(*link)->right;
      *link = made;
    }
    hash = mix(hash, depth(root));
  }
  return hash;
}

typedef u32 (*operation)(u32, u32);
static u32 op_add(u32 a, u32 b) { return a + b; }
static u32 op_xor(u32 a, u32 b) { return a ^ b; }
static u32 op_multiply(u32 a, u32 b) { return a * (b | 1); }
static u32 op_turn(u32 a, u32 b) { return rotate(a, (b & 15) + 1); }
static u32 op_gather(u32 a, u32 b) {
  for (u32 i = 0; i < (b & 3); i++) a = mix(a, i);
  return a;
}
static operation operations[8] = {op_add, op_xor, op_multiply, op_turn, op_gather, op_add, op_turn, op_xor};

KERNEL(indirect) {
  u32 seed = 17, value = 1;
  operation *volatile table = operations;
  for (u32 t = 0; t < times * 1000; t++) {
    u32 which = next_random(&seed);
    value = table[which >> 8 & 7](value, which);
  }
  return value;
}

/* A stack machine: one big switch in a loop, as language runtimes have them. */
enum { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, LOAD, STORE, LESS, JUMP_IF, JUMP, HALT };
static const u8 program[] = {
    /* sum = 0; i = 0; while (i < limit) { sum = (sum ^ i) * 3 + i; i = i + 1 } */
    PUSH, 0, STORE, 1, PUSH, 0, STORE, 0,                         /* 0 */
    LOAD, 0, LOAD, 2, LESS, JUMP_IF, 17, JUMP, 37,                /* 8 */
    LOAD, 1, LOAD, 0, XOR, PUSH, 3, MUL, LOAD, 0, ADD, STORE, 1,  /* 17 */
    LOAD, 0, PUSH, 1, ADD, JUMP, 38,                              /* 30 */
    HALT,                                                         /* 37 */
    DUP, SWAP, SUB, STORE, 3, LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 8,
};

static u32 interpret(const u8 *code, u32 limit) {
  u32 stack[16], variables[4] = {0, 0, limit, 0}, *top = stack;
  for (u32 pc = 0;;) {
    switch (code[pc++]) {
      case PUSH: *top++ = code[pc++]; break;
      case ADD: top--; top[-1] += top[0]; break;
      case SUB: top--; top[-1] -= top[0]; break;
      case MUL: top--; top[-1] *= top[0]; break;
      case XOR: top--; top[-1] ^= top[0]; break;
      case DUP: top[0] = top[-1]; top++; break;
      case SWAP: {
        u32 swap = top[-1];
        top[-1] = top[-2];
        top[-2] = swap;
        break;
      }
      case LOAD: *top++ = variables[code[pc++]]; break;
      case STORE: variables[code[pc++]] = *--top; break;
      case LESS: top--; top[-1] = top[-1] < top[0]; break;
      case JUMP_IF: pc = *--top ? code[pc] : pc + 1; break;
      case JUMP: pc = code[pc]; break;
      default: return variables[1];
    }
  }
}

KERNEL(vm) {
  const u8 *volatile code = program;
  u32 hash = 1;
  for (u32 t = 0; t < times; t++) hash = mix(hash, interpret(code, 1000 + (t & 7)));
  return hash;
}
