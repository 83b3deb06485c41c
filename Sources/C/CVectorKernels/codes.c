#include "codes.h"
#include <math.h>
#include <string.h>
#include "dispatch.h"
#include "normalize_lanes.h"
#include "parallel.h"

// A tile is the positions that are taken together: long runs of each channel block, and all channels of the tile within the cache while the axes change places.
enum { tile_elements = 16384, longest = 256, shortest = 32, widest = 16, few = 8 };

static ptrdiff_t tile_length(ptrdiff_t channels) {
  ptrdiff_t length = tile_elements / channels;
  return length < shortest ? shortest : length > longest ? longest : length;
}

static ptrdiff_t tiles_per_row(struct qat_channel_view view, ptrdiff_t channels) {
  ptrdiff_t length = tile_length(channels);
  return (view.inner + length - 1) / length;
}

static ptrdiff_t tile_count(struct qat_channel_view view, ptrdiff_t channels) { return view.outer * tiles_per_row(view, channels); }

// Tiles that a thread takes at least.
static ptrdiff_t tile_grain(ptrdiff_t channels) { return 1 + tile_elements / (tile_length(channels) * channels); }

// One tile of one outer index.
struct place {
  ptrdiff_t outer, first, positions;
};

static struct place place_of(struct qat_channel_view view, ptrdiff_t channels, ptrdiff_t index) {
  ptrdiff_t length = tile_length(channels), tiles = tiles_per_row(view, channels), first = index % tiles * length;
  return (struct place){index / tiles, first, view.inner - first < length ? view.inner - first : length};
}

// What the parallel bodies need; each uses its part.
struct pass {
  struct qat_channel_view view;
  ptrdiff_t channels;
  const struct qat_grid *grid;
  const struct qat_normalization *normalization;
  const struct qat_code_meaning *meaning;
  const float *x, *scale, *bias;
  const int32_t *sums;
  uint8_t *codes;
  float *y;
  int32_t *undefined;
};

// First element of a channel block (with block 1 of a channel) at the tile's first position.
INLINE ptrdiff_t block_offset(const struct pass *p, struct place t, ptrdiff_t index) {
  return ((t.outer * p->view.channel_blocks + index) * p->view.inner + t.first) * p->view.block;
}

// First code or sum of a tile.
INLINE ptrdiff_t row_offset(const struct pass *p, struct place t) { return (t.outer * p->view.inner + t.first) * p->channels; }

INLINE ptrdiff_t lanes_of(const struct pass *p, const ptrdiff_t block, ptrdiff_t index) {
  ptrdiff_t left = p->channels - index * block;
  return left < block ? left : block;
}

// Codes of `count` neighbouring floats, counted from the lowest level; 1 where one of the floats was no number.
INLINE int encode_run(ptrdiff_t count, struct qat_grid g, const float *restrict x, uint8_t *restrict codes) {
  const float first = qat_grid_first(g), last = qat_grid_last(g);
  int32_t undefined = 0;
  for (ptrdiff_t i = 0; i < count; ++i) {
    undefined |= x[i] != x[i];
    // What is no number becomes the lower bound: conversion to an integer is then defined.
    float raised = x[i] > first ? x[i] : first, clamped = raised > last ? last : raised;
    int32_t level = (int32_t)(rintf((clamped - g.origin) * g.k - g.shift) + g.zero_point);
    // Levels keep to a byte anyway; said so, vectors of them are packed by single instructions.
    codes[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
  }
  return undefined;
}

// Codes of what lies at the tile's positions of a channel block, normalised before where that is asked for.
INLINE int encode_positions(const ptrdiff_t block, const struct pass *p, struct place t, ptrdiff_t index, uint8_t *codes) {
  const float *restrict x = p->x + block_offset(p, t, index);
  if (!p->normalization) return encode_run(t.positions * block, *p->grid, x, codes);
  const struct lane_numbers c = load_numbers(block, 0, p->normalization, index * block);
  float values[longest * widest];
  for (ptrdiff_t s = 0; s < t.positions; ++s) {
    for (ptrdiff_t lane = 0; lane < block; ++lane) values[s * block + lane] = NORMALIZED(x[s * block + lane]);
  }
  return encode_run(t.positions * block, *p->grid, values, codes);
}

INLINE int encode_block(const ptrdiff_t block, const struct pass *p, struct place t, ptrdiff_t index) {
  uint8_t *restrict codes = p->codes + row_offset(p, t) + index * block;
  // Codes and floats lie in the same order.
  if (p->channels == block) return encode_positions(block, p, t, index, codes);
  const ptrdiff_t used = lanes_of(p, block, index);
  uint8_t run[longest * widest];
  int undefined = encode_positions(block, p, t, index, run);
  if (used == block) {
    for (ptrdiff_t s = 0; s < t.positions; ++s) memcpy(codes + s * p->channels, run + s * block, (size_t)block);
  } else {
    for (ptrdiff_t s = 0; s < t.positions; ++s) memcpy(codes + s * p->channels, run + s * block, (size_t)used);
  }
  return undefined;
}

// Whether one block holds all channels: codes and floats then lie in the same order.
INLINE int is_one_block(const struct pass *p) { return p->channels == p->view.block; }

QAT_CLONES static int encode_tile(const struct pass *p, struct place t) {
  int undefined = 0;
  for (ptrdiff_t index = 0; index < p->view.channel_blocks; ++index) {
    if (p->view.block == 1) undefined |= encode_block(1, p, t, index);
    else if (p->view.block == 16) undefined |= encode_block(16, p, t, index);
    else if (p->view.block == 8) undefined |= encode_block(8, p, t, index);
    else undefined |= encode_block(4, p, t, index);
  }
  return undefined;
}

static void encode_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  int undefined = 0;
  for (ptrdiff_t index = first; index < last; ++index) undefined |= encode_tile(p, place_of(p->view, p->channels, index));
  if (undefined) __atomic_store_n(p->undefined, 1, __ATOMIC_RELAXED);
}

void qat_encode(
    struct qat_channel_view view, ptrdiff_t channels, const struct qat_grid *grid, const struct qat_normalization *normalization, const float *x,
    uint8_t *codes, struct qat_code_meaning *meaning) {
  // Parameters that are no numbers, or too small to divide by, have no codes.
  int isGrid = grid->zero_point >= 0 && grid->zero_point <= 255 && grid->low <= grid->high && grid->range * grid->k <= 255.5f;
  *meaning = (struct qat_code_meaning){isGrid ? (int32_t)grid->zero_point : 0, !isGrid, grid->k};
  if (!isGrid) return;
  struct pass pass = {.view = view, .channels = channels, .grid = grid, .normalization = normalization, .x = x, .codes = codes, .undefined = &meaning->undefined};
  qat_parallel_for(tile_count(view, channels), tile_grain(channels), encode_body, &pass);
}

// The values of neighbouring codes.
INLINE void decode_run(ptrdiff_t count, int32_t zero, float k, const uint8_t *restrict codes, float *restrict y) {
  for (ptrdiff_t i = 0; i < count; ++i) y[i] = (float)((int32_t)codes[i] - zero) / k;
}

INLINE void decode_block(const ptrdiff_t block, const struct pass *p, struct place t, ptrdiff_t index, int32_t zero, float k) {
  const ptrdiff_t used = lanes_of(p, block, index);
  const uint8_t *restrict codes = p->codes + row_offset(p, t) + index * block;
  uint8_t run[longest * widest];
  if (used == block) {
    for (ptrdiff_t s = 0; s < t.positions; ++s) memcpy(run + s * block, codes + s * p->channels, (size_t)block);
  } else {
    memset(run, zero, sizeof run);
    for (ptrdiff_t s = 0; s < t.positions; ++s) memcpy(run + s * block, codes + s * p->channels, (size_t)used);
  }
  decode_run(t.positions * block, zero, k, run, p->y + block_offset(p, t, index));
}

QAT_CLONES static void decode_tile(const struct pass *p, struct place t) {
  const int32_t zero = p->meaning->zero_point;
  const float k = p->meaning->undefined ? NAN : p->meaning->k;
  if (is_one_block(p)) {
    decode_run(t.positions * p->view.block, zero, k, p->codes + row_offset(p, t), p->y + block_offset(p, t, 0));
    return;
  }
  for (ptrdiff_t index = 0; index < p->view.channel_blocks; ++index) {
    if (p->view.block == 1) decode_block(1, p, t, index, zero, k);
    else if (p->view.block == 16) decode_block(16, p, t, index, zero, k);
    else if (p->view.block == 8) decode_block(8, p, t, index, zero, k);
    else decode_block(4, p, t, index, zero, k);
  }
}

static void decode_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t index = first; index < last; ++index) decode_tile(p, place_of(p->view, p->channels, index));
}

void qat_decode(struct qat_channel_view view, ptrdiff_t channels, const struct qat_code_meaning *meaning, const uint8_t *codes, float *y) {
  struct pass pass = {.view = view, .channels = channels, .meaning = meaning, .codes = (uint8_t *)codes, .y = y};
  qat_parallel_for(tile_count(view, channels), tile_grain(channels), decode_body, &pass);
}

struct weights {
  struct qat_channel_view view;
  ptrdiff_t stride;
  const struct qat_grid *grids;
  const float *y;
  int8_t *codes;
  int32_t *undefined;
};

INLINE int32_t encode_weight(float y, float k, int8_t *code) {
  float rounded = rintf(y * k);
  int32_t isNumber = rounded >= -128 && rounded <= 127;
  *code = (int8_t)(int32_t)(isNumber ? rounded : 0);
  return !isNumber;
}

// Neighbours of one channel; 1 where one of them was no number.
QAT_CLONES static int32_t encode_row(ptrdiff_t count, float k, const float *restrict y, int8_t *restrict codes) {
  int32_t undefined = 0;
  for (ptrdiff_t i = 0; i < count; ++i) undefined |= encode_weight(y[i], k, codes + i);
  return undefined;
}

// Neighbours of one channel each.
QAT_CLONES static void encode_lanes(ptrdiff_t count, const float *restrict k, const float *restrict y, int8_t *restrict codes, int32_t *restrict undefined) {
  for (ptrdiff_t i = 0; i < count; ++i) undefined[i] |= encode_weight(y[i], k[i], codes + i);
}

static void weight_rows_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct weights *w = context;
  for (ptrdiff_t channel = first; channel < last; ++channel) {
    int32_t undefined = 0;
    for (ptrdiff_t outer = 0; outer < w->view.outer; ++outer) {
      ptrdiff_t start = (outer * w->view.channel_blocks + channel) * w->view.inner;
      undefined |= encode_row(w->view.inner, w->grids[channel * w->stride].k, w->y + start, w->codes + start);
    }
    w->undefined[channel] = undefined;
  }
}

static void weight_lanes_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct weights *w = context;
  for (ptrdiff_t channel = first; channel < last; channel += longest) {
    float k[longest];
    ptrdiff_t count = last - channel < longest ? last - channel : longest;
    for (ptrdiff_t i = 0; i < count; ++i) k[i] = w->grids[(channel + i) * w->stride].k;
    memset(w->undefined + channel, 0, (size_t)count * sizeof *w->undefined);
    for (ptrdiff_t outer = 0; outer < w->view.outer; ++outer) {
      ptrdiff_t start = outer * w->view.channel_blocks + channel;
      encode_lanes(count, k, w->y + start, w->codes + start, w->undefined + channel);
    }
  }
}

void qat_encode_weights(
    struct qat_channel_view view, const struct qat_grid *grids, ptrdiff_t stride, const float *y, int8_t *codes, int32_t *undefined) {
  struct weights weights = {view, stride, grids, y, codes, undefined};
  ptrdiff_t count = view.outer * view.inner;
  qat_parallel_for(view.channel_blocks, 1 + tile_elements / (count > 0 ? count : 1), view.inner == 1 ? weight_lanes_body : weight_rows_body, &weights);
}

// One block of one tile, of which `used` channels are not padding.
INLINE void scale_block(const ptrdiff_t block, const ptrdiff_t used, const struct pass *p, struct place t, ptrdiff_t index) {
  const int32_t *restrict sums = p->sums + row_offset(p, t) + index * block;
  float *restrict y = p->y + block_offset(p, t, index);
  float scale[widest] = {0}, bias[widest] = {0};
  for (ptrdiff_t b = 0; b < used; ++b) scale[b] = p->scale[index * block + b];
  if (p->bias) for (ptrdiff_t b = 0; b < used; ++b) bias[b] = p->bias[index * block + b];
  for (ptrdiff_t s = 0; s < t.positions; ++s) {
    for (ptrdiff_t b = 0; b < block; ++b) y[s * block + b] = b < used ? (float)sums[s * p->channels + b] * scale[b] + bias[b] : 0;
  }
}

INLINE void scale_blocks(const ptrdiff_t block, const struct pass *p, struct place t) {
  const ptrdiff_t whole = p->channels / block;
  for (ptrdiff_t index = 0; index < whole; ++index) scale_block(block, block, p, t, index);
  if (whole < p->view.channel_blocks) scale_block(block, lanes_of(p, block, whole), p, t, whole);
}

// All blocks of a few positions at a time: sums of one channel block lie apart by powers of two, and of more positions they would evict each other from the
// cache before the next block reads its part of the same lines.
QAT_CLONES static void scale_tile(const struct pass *p, struct place t) {
  for (ptrdiff_t first = t.first, end = t.first + t.positions; first < end; first += few) {
    struct place part = {t.outer, first, end - first < few ? end - first : few};
    if (p->view.block == 1) scale_blocks(1, p, part);
    else if (p->view.block == 16) scale_blocks(16, p, part);
    else if (p->view.block == 8) scale_blocks(8, p, part);
    else scale_blocks(4, p, part);
  }
}

static void scale_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t index = first; index < last; ++index) scale_tile(p, place_of(p->view, p->channels, index));
}

// Sums whose channels lie last in both orders, one row of them.
QAT_CLONES static void scale_row(
    ptrdiff_t channels, const float *restrict scale, const float *restrict bias, const int32_t *restrict sums, float *restrict y) {
  if (bias) {
    for (ptrdiff_t c = 0; c < channels; ++c) y[c] = (float)sums[c] * scale[c] + bias[c];
  } else {
    for (ptrdiff_t c = 0; c < channels; ++c) y[c] = (float)sums[c] * scale[c];
  }
}

static void scale_rows_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t row = first; row < last; ++row) {
    scale_row(p->channels, p->scale, p->bias, p->sums + row * p->channels, p->y + row * p->channels);
  }
}

void qat_scale_sums(
    struct qat_channel_view view, ptrdiff_t channels, const float *scale, const float *bias, const int32_t *sums, float *y) {
  struct pass pass = {.view = view, .channels = channels, .scale = scale, .bias = bias, .sums = sums, .y = y};
  if (view.block == 1 && view.inner == 1) {
    qat_parallel_for(view.outer, 1 + tile_elements / channels, scale_rows_body, &pass);
  } else {
    qat_parallel_for(tile_count(view, channels), tile_grain(channels), scale_body, &pass);
  }
}
