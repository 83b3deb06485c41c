#include "channel_sums.h"
#include "channel_pieces.h"
#include "dispatch.h"
#include "parallel.h"

INLINE void add(
    const ptrdiff_t width, const int is_run, ptrdiff_t count, ptrdiff_t block, const float *restrict x, float *restrict record) {
  float sum[lanes] = {0};
  EACH(width, count, { sum[lane] += x[at]; })
  if (is_run) fold_lanes(sum);
  for (ptrdiff_t b = 0; b < block; ++b) record[b] = sum[b];
}

QAT_CLONES static void add_piece(ptrdiff_t count, ptrdiff_t block, const float *x, float *record) { FOR_BLOCK(block, add, count, block, x, record); }

struct pass {
  struct qat_channel_view view;
  const float *x;
  float *partial, *sums;
};

static void pieces_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t index = first; index < last; ++index) {
    struct span span = span_of(p->view, index);
    add_piece(span.positions * p->view.block, p->view.block, p->x + span.offset, p->partial + index * p->view.block);
  }
}

static void merge_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  ptrdiff_t per_row = pieces_per_row(p->view), block = p->view.block;
  for (ptrdiff_t channel = first * block; channel < last * block; ++channel) {
    double sum = 0;
    for (ptrdiff_t outer = 0; outer < p->view.outer; ++outer) {
      const float *records = p->partial + (outer * p->view.channel_blocks + channel / block) * per_row * block + channel % block;
      for (ptrdiff_t i = 0; i < per_row; ++i) sum += records[i * block];
    }
    p->sums[channel] = (float)sum;
  }
}

ptrdiff_t qat_channel_sums_partial_count(struct qat_channel_view view) { return piece_count(view) * view.block; }

void qat_channel_sums(struct qat_channel_view view, const float *x, float *partial, float *sums) {
  struct pass pass = {view, x, partial, sums};
  qat_parallel_for(piece_count(view), grain_of(view), pieces_body, &pass);
  qat_parallel_for(view.channel_blocks, merge_grain_of(view), merge_body, &pass);
}
