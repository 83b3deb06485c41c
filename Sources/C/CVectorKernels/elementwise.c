#include "elementwise.h"
#include <string.h>
#include "dispatch.h"
#include "parallel.h"

enum { grain = 16384 };

struct binary {
  const float *a, *b;
  float *y;
};

// Defines a loop over two inputs: the cloned kernel, its parallel body and the public function.
#define BINARY(name, expression)                                                                                                   \
  QAT_CLONES static void name##_range(const float *restrict a, const float *restrict b, float *restrict y, ptrdiff_t count) {      \
    for (ptrdiff_t i = 0; i < count; ++i) y[i] = (expression);                                                                     \
  }                                                                                                                                \
  static void name##_body(void *context, ptrdiff_t first, ptrdiff_t last) {                                                        \
    const struct binary *c = context;                                                                                              \
    name##_range(c->a + first, c->b + first, c->y + first, last - first);                                                          \
  }                                                                                                                                \
  void qat_##name(ptrdiff_t count, const float *a, const float *b, float *y) {                                                     \
    struct binary context = {a, b, y};                                                                                             \
    qat_parallel_for(count, grain, name##_body, &context);                                                                         \
  }

BINARY(add, a[i] + b[i])
BINARY(add_relu, a[i] + b[i] > 0 ? a[i] + b[i] : 0)
BINARY(relu_backward, a[i] > 0 ? b[i] : 0)
BINARY(multiply, a[i] * b[i])

struct sum {
  const float *addend;
  float *sum;
};

QAT_CLONES static void accumulate_range(const float *restrict addend, float *restrict sum, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; ++i) sum[i] += addend[i];
}

static void accumulate_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct sum *c = context;
  accumulate_range(c->addend + first, c->sum + first, last - first);
}

void qat_accumulate(ptrdiff_t count, const float *addend, float *sum) {
  struct sum context = {addend, sum};
  qat_parallel_for(count, grain, accumulate_body, &context);
}

struct rows {
  ptrdiff_t width;
  const float *source;
  ptrdiff_t source_stride;
  float *destination;
  ptrdiff_t destination_stride;
};

static void copy_rows(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct rows *c = context;
  for (ptrdiff_t row = first; row < last; ++row) {
    memcpy(c->destination + row * c->destination_stride, c->source + row * c->source_stride, (size_t)c->width * sizeof(float));
  }
}

void qat_copy_rows(ptrdiff_t rows, ptrdiff_t width, const float *source, ptrdiff_t source_stride, float *destination, ptrdiff_t destination_stride) {
  struct rows context = {width, source, source_stride, destination, destination_stride};
  qat_parallel_for(rows, width > 0 ? 1 + grain / width : rows, copy_rows, &context);
}
