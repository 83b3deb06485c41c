#include "batch_normalization.h"
#include "channel_pieces.h"
#include "dispatch.h"
#include "parallel.h"

// What a piece leaves: per channel a number near its mean, and the sums of (x - that) and of (x - that)^2.
static inline __attribute__((always_inline)) void moments(
    const ptrdiff_t width, const int is_run, ptrdiff_t count, ptrdiff_t block, const float *restrict x, float *restrict record) {
  float center[lanes] = {0}, offset[lanes] = {0}, squares[lanes] = {0};
  EACH(width, count, { center[lane] += x[at]; })
  if (is_run) fold_lanes(center);
  float share = 1 / (float)(count / block);
  for (ptrdiff_t lane = width; lane-- > 0;) center[lane] = center[is_run ? 0 : lane] * share;
  EACH(width, count, {
    float deviation = x[at] - center[lane];
    offset[lane] += deviation;
    squares[lane] += deviation * deviation;
  })
  if (is_run) fold_lanes(offset), fold_lanes(squares);
  for (ptrdiff_t b = 0; b < block; ++b) record[b] = center[b], record[block + b] = offset[b], record[2 * block + b] = squares[b];
}

QAT_CLONES static void moments_of_piece(ptrdiff_t count, ptrdiff_t block, const float *x, float *record) {
  FOR_BLOCK(block, moments, count, block, x, record);
}

struct pass {
  struct qat_channel_view view;
  const float *x;
  float *partial;
  double *mean, *squares;
};

static void pieces_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t index = first; index < last; ++index) {
    struct span span = span_of(p->view, index);
    moments_of_piece(span.positions * p->view.block, p->view.block, p->x + span.offset, p->partial + index * 3 * p->view.block);
  }
}

// Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance": merges the moments of pieces, in memory order.
static void merge_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  ptrdiff_t per_row = pieces_per_row(p->view), block = p->view.block;
  for (ptrdiff_t channel = first * block; channel < last * block; ++channel) {
    double count = 0, mean = 0, squares = 0;
    for (ptrdiff_t outer = 0; outer < p->view.outer; ++outer) {
      for (ptrdiff_t i = 0; i < per_row; ++i) {
        ptrdiff_t index = (outer * p->view.channel_blocks + channel / block) * per_row + i;
        const float *record = p->partial + index * 3 * block + channel % block;
        double own = (double)span_of(p->view, index).positions, offset = record[block];
        double delta = record[0] + offset / own - mean, total = count + own;
        mean += delta * (own / total);
        squares += (record[2 * block] - offset * offset / own) + delta * delta * (count * own / total);
        count = total;
      }
    }
    p->mean[channel] = mean;
    p->squares[channel] = squares;
  }
}

void qat_channel_moments(struct qat_channel_view view, const float *x, float *partial, double *mean, double *squares) {
  struct pass pass = {view, x, partial, mean, squares};
  qat_parallel_for(piece_count(view), grain_of(view), pieces_body, &pass);
  qat_parallel_for(view.channel_blocks, merge_grain_of(view), merge_body, &pass);
}
