// How loops over a qat_channel_view are cut: into pieces of one channel block each, the same for every number of threads.
#pragma once
#include "channel_view.h"
#include "dispatch.h"

// Elements a piece: small enough to balance threads, large enough to hide the call. Lanes: floats of the widest vector.
enum { piece = 8192, lanes = 16 };

static inline ptrdiff_t positions_per_piece(struct qat_channel_view view) { return piece / view.block; }

static inline ptrdiff_t pieces_per_row(struct qat_channel_view view) {
  return (view.inner + positions_per_piece(view) - 1) / positions_per_piece(view);
}

static inline ptrdiff_t piece_count(struct qat_channel_view view) { return view.outer * view.channel_blocks * pieces_per_row(view); }

// One piece: its first channel, its first element, and how many positions of `block` elements it has.
struct span {
  ptrdiff_t channel, offset, positions;
};

static inline struct span span_of(struct qat_channel_view view, ptrdiff_t index) {
  ptrdiff_t per_row = pieces_per_row(view), row = index / per_row, first = index % per_row * positions_per_piece(view);
  ptrdiff_t positions = view.inner - first < positions_per_piece(view) ? view.inner - first : positions_per_piece(view);
  return (struct span){row % view.channel_blocks * view.block, (row * view.inner + first) * view.block, positions};
}

// Pieces that a thread takes at least.
static inline ptrdiff_t grain_of(struct qat_channel_view view) {
  ptrdiff_t elements = view.inner * view.block < piece ? view.inner * view.block : piece;
  return 1 + 16384 / (elements > 0 ? elements : 1);
}

// Adds up the lanes of a run of one channel into lane 0. A balanced tree keeps the rounding error small and the order fixed.
INLINE void fold_lanes(float *sums) {
  for (int width = lanes / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
}

// Channel blocks that a thread takes at least when it merges what pieces left.
static inline ptrdiff_t merge_grain_of(struct qat_channel_view view) {
  ptrdiff_t records = view.outer * pieces_per_row(view) * view.block;
  return 1 + 4096 / (records > 0 ? records : 1);
}

// Runs the body for each element `at` of a piece, with its `lane`. Of a blocked layout lanes are the channels of the block; of a run of one channel (block 1)
// they are neighbours, each lane a partial sum, and a tail shorter than the vector goes to lane 0. The loop over lanes is to become vector instructions as it
// stands: unrolled before, it becomes shuffles of them.
#define EACH(width, count, ...)                                              \
  {                                                                          \
    const ptrdiff_t whole = (count) / (width) * (width);                     \
    for (ptrdiff_t start = 0; start < whole; start += (width)) {             \
      _Pragma("clang loop unroll(disable)")                                  \
      for (ptrdiff_t lane = 0; lane < (width); ++lane) {                     \
        const ptrdiff_t at = start + lane;                                   \
        __VA_ARGS__                                                          \
      }                                                                      \
    }                                                                        \
    for (ptrdiff_t at = whole; at < (count); ++at) {                         \
      const ptrdiff_t lane = 0;                                              \
      __VA_ARGS__                                                            \
    }                                                                        \
  }

// Calls `function(width, is_run, ...)` with constants, so that the loop over lanes has a known length.
#define FOR_BLOCK(block, function, ...)                    \
  do {                                                     \
    if ((block) == 1) function(lanes, 1, __VA_ARGS__);     \
    else if ((block) == 16) function(16, 0, __VA_ARGS__);  \
    else if ((block) == 8) function(8, 0, __VA_ARGS__);    \
    else function(4, 0, __VA_ARGS__);                      \
  } while (0)
