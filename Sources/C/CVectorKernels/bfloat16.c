#include "bfloat16.h"
#include <string.h>
#include "dispatch.h"
#include "parallel.h"

// Elements a thread takes at least, and elements whose sum stays in the first-level cache while operands pass.
enum { grain = 16384, strip = 2048 };

INLINE uint16_t rounded(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  // Half of the last place, or just less where the last place is even already. A carry into the exponent is right: it makes the next power of two, or infinity.
  uint32_t nearest = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  uint32_t quiet = (bits >> 16) | 0x40u;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : nearest);
}

INLINE float widened(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

QAT_CLONES static void round_range(const float *restrict x, uint16_t *restrict y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) y[i] = rounded(x[i]);
}

QAT_CLONES static void widen_range(const uint16_t *restrict x, float *restrict y, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) y[i] = widened(x[i]);
}

QAT_CLONES static void accumulate_range(const uint16_t *restrict x, float *restrict sum, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) sum[i] += widened(x[i]);
}

struct conversion {
  const float *wide_source;
  const uint16_t *narrow_source;
  float *wide;
  uint16_t *narrow;
};

static void round_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct conversion *c = context;
  round_range(c->wide_source + first, c->narrow + first, last - first);
}

void qat_round_to_bfloat16(ptrdiff_t count, const float *x, uint16_t *y) {
  struct conversion context = {.wide_source = x, .narrow = y};
  qat_parallel_for(count, grain, round_body, &context);
}

static void widen_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct conversion *c = context;
  widen_range(c->narrow_source + first, c->wide + first, last - first);
}

void qat_widen_bfloat16(ptrdiff_t count, const uint16_t *x, float *y) {
  struct conversion context = {.narrow_source = x, .wide = y};
  qat_parallel_for(count, grain, widen_body, &context);
}

struct sum {
  const uint16_t *const *operands;
  ptrdiff_t operand_count;
  uint16_t *result;
};

static void sum_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct sum *c = context;
  float sum[strip];
  for (ptrdiff_t start = first; start < last; start += strip) {
    ptrdiff_t count = last - start < strip ? last - start : strip;
    widen_range(c->operands[0] + start, sum, count);
    for (ptrdiff_t operand = 1; operand < c->operand_count; ++operand) accumulate_range(c->operands[operand] + start, sum, count);
    round_range(sum, c->result + start, count);
  }
}

void qat_sum_bfloat16(ptrdiff_t count, const uint16_t *const *x, ptrdiff_t operand_count, uint16_t *y) {
  struct sum context = {x, operand_count, y};
  qat_parallel_for(count, grain, sum_body, &context);
}
