#include "peak.h"
#include <time.h>
#include "dispatch.h"
#include "parallel.h"

// Enough chains to hide an instruction's latency on two units, few enough for the registers.
enum { chains = 12, rounds = 1 << 16, narrow = 8, widest = 16 };

#define CHAINS(name, lanes)                                                                                                             \
  QAT_CLONES static float name(ptrdiff_t count, float factor, float term) {                                                             \
    typedef float vector __attribute__((vector_size(lanes * sizeof(float))));                                                           \
    vector x[chains] = {}, a = factor - (vector){}, b = term - (vector){};                                                              \
    for (ptrdiff_t i = 0; i < count; ++i) {                                                                                             \
      for (ptrdiff_t chain = 0; chain < chains; ++chain) x[chain] = __builtin_elementwise_fma(x[chain], a, b);                          \
    }                                                                                                                                   \
    for (ptrdiff_t chain = 1; chain < chains; ++chain) x[0] += x[chain];                                                                \
    return x[0][0];                                                                                                                     \
  }

// On a CPU of shorter vectors than these, registers run out: the faster of both counts.
CHAINS(narrow_chains, narrow)
CHAINS(wide_chains, widest)

struct run {
  int isWide;
  float *sums;
};

static void body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct run *run = context;
  for (ptrdiff_t share = first; share < last; ++share) run->sums[share] = run->isWide ? wide_chains(rounds, 0.5f, 1) : narrow_chains(rounds, 0.5f, 1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double qat_peak_operations_per_second(void) {
  enum { most = 1024, repetitions = 20 };
  float sums[most];
  ptrdiff_t threads = qat_thread_limit() < most ? qat_thread_limit() : most;
  double best = 0;
  for (int isWide = 0; isWide <= 1; ++isWide) {
    struct run run = {isWide, sums};
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      double start = now();
      qat_parallel_for(threads, 1, body, &run);
      double rate = 2.0 * chains * rounds * (isWide ? widest : narrow) * (double)threads / (now() - start);
      if (rate > best) best = rate;
    }
  }
  return best;
}
