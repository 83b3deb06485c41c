#include "batch_normalization.h"
#include "blocked_planes.h"
#include "channel_pieces.h"
#include "dispatch.h"
#include "parallel.h"

// Vectors that are summed at a time, so that none waits for the sum before it.
enum { chains = 4, wide_lanes = chains * half };

// The sums of lanes of the same channel, in every lane. A balanced tree.
INLINE void fold_chains(vector *sums, ptrdiff_t block) {
  sums[0] += sums[2], sums[1] += sums[3];
  if (block <= half) {
    sums[0] += sums[1];
    float *lane = (float *)sums;
    for (ptrdiff_t width = half / 2; width >= block; width /= 2) {
      for (ptrdiff_t j = 0; j < width; ++j) lane[j] += lane[j + width];
    }
    for (ptrdiff_t j = block; j < half; ++j) lane[j] = lane[j - block];
    sums[1] = sums[0];
  }
  sums[2] = sums[0], sums[3] = sums[1];
}

// What a piece leaves: per channel a number near its mean, and the sums of (x - that) and of (x - that)^2.
QAT_CLONES static void moments_of_piece(ptrdiff_t count, ptrdiff_t block, const float *x, float *record) {
  const ptrdiff_t whole = count / wide_lanes * wide_lanes;
  vector center[chains] = {}, offset[chains] = {}, squares[chains] = {};
  for (ptrdiff_t at = 0; at < whole; at += wide_lanes) {
    for (ptrdiff_t i = 0; i < chains; ++i) center[i] += ((const vector *)(x + at))[i];
  }
  for (ptrdiff_t at = whole; at < count; ++at) ((float *)center)[at - whole] += x[at];
  fold_chains(center, block);
  for (ptrdiff_t i = 0; i < chains; ++i) center[i] *= 1 / (float)(count / block);
  for (ptrdiff_t at = 0; at < whole; at += wide_lanes) {
    for (ptrdiff_t i = 0; i < chains; ++i) {
      vector deviation = ((const vector *)(x + at))[i] - center[i];
      offset[i] += deviation;
      squares[i] += deviation * deviation;
    }
  }
  for (ptrdiff_t at = whole; at < count; ++at) {
    const ptrdiff_t lane = at - whole;
    float deviation = x[at] - ((float *)center)[lane];
    ((float *)offset)[lane] += deviation;
    ((float *)squares)[lane] += deviation * deviation;
  }
  fold_chains(offset, block), fold_chains(squares, block);
  for (ptrdiff_t b = 0; b < block; ++b) {
    record[b] = ((float *)center)[b], record[block + b] = ((float *)offset)[b], record[2 * block + b] = ((float *)squares)[b];
  }
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

// Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance": merges the moments of pieces, in memory order. The channels of a block side by
// side, because each is a chain of divisions.
INLINE void merge_blocks(const ptrdiff_t block, const struct pass *p, ptrdiff_t first, ptrdiff_t last) {
  const ptrdiff_t per_row = pieces_per_row(p->view), longest = positions_per_piece(p->view);
  for (ptrdiff_t index = first; index < last; ++index) {
    double count = 0, mean[lanes] = {0}, squares[lanes] = {0};
    for (ptrdiff_t outer = 0; outer < p->view.outer; ++outer) {
      for (ptrdiff_t i = 0; i < per_row; ++i) {
        const float *record = p->partial + ((outer * p->view.channel_blocks + index) * per_row + i) * 3 * block;
        const ptrdiff_t left = p->view.inner - i * longest;
        double own = (double)(left < longest ? left : longest), total = count + own, share = own / total, both = count * share, each = 1 / own;
        for (ptrdiff_t b = 0; b < block; ++b) {
          double offset = record[block + b], delta = record[b] + offset * each - mean[b];
          mean[b] += delta * share;
          squares[b] += (record[2 * block + b] - offset * offset * each) + delta * delta * both;
        }
        count = total;
      }
    }
    for (ptrdiff_t b = 0; b < block; ++b) p->mean[index * block + b] = mean[b], p->squares[index * block + b] = squares[b];
  }
}

QAT_CLONES static void merge(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  switch (p->view.block) {
    case 1: merge_blocks(1, p, first, last); break;
    case 4: merge_blocks(4, p, first, last); break;
    case 8: merge_blocks(8, p, first, last); break;
    case 16: merge_blocks(16, p, first, last); break;
  }
}

void qat_channel_moments(struct qat_channel_view view, const float *x, float *partial, double *mean, double *squares) {
  struct pass pass = {view, x, partial, mean, squares};
  qat_parallel_for(piece_count(view), grain_of(view), pieces_body, &pass);
  qat_parallel_for(view.channel_blocks, merge_grain_of(view), merge, &pass);
}
