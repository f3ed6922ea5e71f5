/* Kernels that count: integer and floating-point loops, recursion. */
#include "kernels.h"

/* Tiny functions that call themselves: the dearest shape for a charge at each function's entry. */
static u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

KERNEL(fib) {
  u32 sum = 0;
  for (u32 i = 0; i < times; i++) sum += fib(20 + (i & 3));
  return sum;
}

static u32 ackermann(u32 m, u32 n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

KERNEL(ackermann) {
  u32 sum = 0;
  for (u32 i = 0; i < times; i++) sum += ackermann(2, 200 + (i & 7));
  return sum;
}

#define SIDE 96
static double left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];

KERNEL(matmul) {
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) {
      left[i][j] = (double)(i * 3 + j) * 0.01;
      right[i][j] = (double)(i + j * 7) * 0.02;
    }
  for (u32 t = 0; t < times; t++) {
    for (u32 i = 0; i < SIDE; i++)
      for (u32 j = 0; j < SIDE; j++) {
        double sum = 0;
        for (u32 k = 0; k < SIDE; k++) sum += left[i][k] * right[k][j];
        product[i][j] = sum;
      }
    left[t % SIDE][t % 7] += product[t % 11][t % SIDE] * 1e-9;
  }
  return (u32)product[SIDE - 1][SIDE / 2];
}

typedef struct {
  double x, y, z, vx, vy, vz, mass;
} body;

static body bodies[5];

static void step(double dt) {
  for (u32 i = 0; i < 5; i++)
    for (u32 j = i + 1; j < 5; j++) {
      double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
      double square = dx * dx + dy * dy + dz * dz + 0.01;
      double pull = dt / (square * __builtin_sqrt(square));
      bodies[i].vx -= dx * bodies[j].mass * pull;
      bodies[i].vy -= dy * bodies[j].mass * pull;
      bodies[i].vz -= dz * bodies[j].mass * pull;
      bodies[j].vx += dx * bodies[i].mass * pull;
      bodies[j].vy += dy * bodies[i].mass * pull;
      bodies[j].vz += dz * bodies[i].mass * pull;
    }
  for (u32 i = 0; i < 5; i++) {
    bodies[i].x += dt * bodies[i].vx;
    bodies[i].y += dt * bodies[i].vy;
    bodies[i].z += dt * bodies[i].vz;
  }
}

KERNEL(nbody) {
  for (u32 i = 0; i < 5; i++)
    bodies[i] = (body){1.0 + i * 2.5, 0.5 * i - 1.0, 0.1 * i * i, 0.01 * i, 0.3 - 0.1 * i, 0.02, i == 0 ? 40.0 : 0.04 * i};
  for (u32 t = 0; t < times * 1000; t++) step(0.001);
  double sum = 0;
  for (u32 i = 0; i < 5; i++) sum += bodies[i].x + bodies[i].y + bodies[i].z;
  return (u32)(long long)(sum * 1e6);
}

KERNEL(mandelbrot) {
  u32 inside = 0;
  for (u32 t = 0; t < times; t++)
    for (u32 py = 0; py < 64; py++)
      for (u32 px = 0; px < 64; px++) {
        double cx = px / 28.0 - 1.6 + t * 1e-6, cy = py / 32.0 - 1.0, x = 0, y = 0;
        u32 n = 0;
        while (n < 100 && x * x + y * y < 4.0) {
          double next = x * x - y * y + cx;
          y = 2 * x * y + cy;
          x = next;
          n++;
        }
        inside += n;
      }
  return inside;
}

#define SIEVE 65536
static u8 composite[SIEVE];

KERNEL(sieve) {
  u32 primes = 0;
  for (u32 t = 0; t < times; t++) {
    for (u32 i = 0; i < SIEVE; i++) composite[i] = 0;
    for (u32 i = 2; i < SIEVE; i++) {
      if (composite[i]) continue;
      primes++;
      for (u32 j = i * 2; j < SIEVE; j += i) composite[j] = 1;
    }
  }
  return primes;
}

/* Conway's life on a torus: small loops with data-dependent branches. */
#define LIFE 128
static u8 cells[2][LIFE][LIFE];

KERNEL(life) {
  u32 seed = 12345;
  for (u32 y = 0; y < LIFE; y++)
    for (u32 x = 0; x < LIFE; x++) cells[0][y][x] = (next_random(&seed) >> 9) % 3 == 0;
  for (u32 t = 0; t < times; t++) {
    u8(*now)[LIFE] = cells[t & 1], (*then)[LIFE] = cells[~t & 1];
    for (u32 y = 0; y < LIFE; y++)
      for (u32 x = 0; x < LIFE; x++) {
        u32 n = 0;
        for (int dy = -1; dy <= 1; dy++)
          for (int dx = -1; dx <= 1; dx++)
            if (dx | dy) n += now[(y + dy) & (LIFE - 1)][(x + dx) & (LIFE - 1)];
        then[y][x] = n == 3 || (n == 2 && now[y][x]);
      }
  }
  u32 hash = 1;
  for (u32 y = 0; y < LIFE; y++)
    for (u32 x = 0; x < LIFE; x++) hash = mix(hash, cells[times & 1][y][x]);
  return hash;
}
