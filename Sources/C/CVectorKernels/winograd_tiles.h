// How gradients by Winograd's filtering are cut into tiles, tiles into chunks and channels into groups, and how values at points lie:
// [point][panel of 16 channels][tile or channel][channel of the panel]. A point's values are a matrix, all of one convolution 36 matrix products.
#pragma once
#include "include/winograd.h"
#include "winograd_transforms.h"

// Channels of a panel in one register or two.
typedef float wide __attribute__((vector_size(panel * sizeof(float)), aligned(4), may_alias));

// Rows of a product that keep two of AVX2's registers each, with four left for the other factor and for a row's own number.
enum { register_rows = 6 };

// A plane of [channels / block][height][width][block] is cut into tiles of four by four.
struct plane {
  ptrdiff_t batch, channels, block, height, width;
};

INLINE ptrdiff_t tile_rows(struct plane p) { return (p.height + outputs - 1) / outputs; }
INLINE ptrdiff_t tile_columns(struct plane p) { return (p.width + outputs - 1) / outputs; }
INLINE ptrdiff_t tiles_of(struct plane p) { return p.batch * tile_rows(p) * tile_columns(p); }

// Sample, row and column at which a tile begins.
struct corner {
  ptrdiff_t sample, row, column;
};

INLINE struct corner corner_of(struct plane p, ptrdiff_t tile) {
  ptrdiff_t columns = tile_columns(p), rows = tile_rows(p);
  return (struct corner){tile / (rows * columns), tile / columns % rows * outputs, tile % columns * outputs};
}

// The first of eight channels of a sample: `index` counts halves of panels.
INLINE ptrdiff_t half_offset(struct plane p, ptrdiff_t sample, ptrdiff_t index) {
  ptrdiff_t channel = index * half;
  return (sample * (p.channels / p.block) + channel / p.block) * p.height * p.width * p.block + channel % p.block;
}

// Reads `size` by `size` positions from a row and a column on; zeros outside of the plane.
INLINE void read_tile(const ptrdiff_t size, struct plane p, const float *first, ptrdiff_t row, ptrdiff_t column, vector *tile) {
  if (row >= 0 && column >= 0 && row + size <= p.height && column + size <= p.width) {
    const float *at = first + (row * p.width + column) * p.block;
    for (ptrdiff_t i = 0; i < size; ++i) {
      for (ptrdiff_t j = 0; j < size; ++j) tile[i * size + j] = *(const vector *)(at + (i * p.width + j) * p.block);
    }
    return;
  }
  for (ptrdiff_t i = 0; i < size; ++i) {
    for (ptrdiff_t j = 0; j < size; ++j) {
      ptrdiff_t y = row + i, x = column + j;
      int isInside = y >= 0 && y < p.height && x >= 0 && x < p.width;
      tile[i * size + j] = isInside ? *(const vector *)(first + (y * p.width + x) * p.block) : (vector){};
    }
  }
}

// Floats from one point to the next. The rest keeps the 36 places of an element out of one set of the cache.
INLINE ptrdiff_t point_stride(ptrdiff_t panels, ptrdiff_t rows) { return (panels * rows + 17) * panel; }

// Where a half's vector lies for one row at the first point.
INLINE ptrdiff_t half_place(ptrdiff_t rows, ptrdiff_t index, ptrdiff_t row) { return (index / 2 * rows + row) * panel + index % 2 * half; }

INLINE void write_points(const vector *values, ptrdiff_t stride, float *to) {
  for (ptrdiff_t point = 0; point < all_points; ++point) *(vector *)(to + point * stride) = values[point];
}

// Six by six positions of eight channels at all points.
INLINE void inputs_at_points(struct plane p, const float *first, ptrdiff_t row, ptrdiff_t column, ptrdiff_t stride, float *to) {
  vector values[all_points], half_way[all_points];
  read_tile(points, p, first, row, column, values);
  for (ptrdiff_t i = 0; i < points; ++i) inputs_to_points(values + i * points, 1, half_way + i * points, 1);
  for (ptrdiff_t j = 0; j < points; ++j) inputs_to_points(half_way + j, points, values + j, points);
  write_points(values, stride, to);
}

INLINE void read_points(const float *from, ptrdiff_t stride, vector *values) {
  for (ptrdiff_t point = 0; point < all_points; ++point) values[point] = *(const vector *)(from + point * stride);
}

// Tiles and channels that are taken at a time, so that what one stage leaves is in a cache for the next: at all points, 2.4 MB of a group's weights. Where
// these are several groups, chunks are longer, because each transforms all weights once more. Measured from 56 × 56 × 64 to 7 × 7 × 512; a flat optimum.
enum { group_weights = 16384, short_chunk = 64, long_chunk = 256 };

// `group` is a multiple of 16.
struct cut {
  ptrdiff_t chunk, group;
};

// `channels` are those that groups are made of, `depth` the other ones.
INLINE struct cut cut_of(ptrdiff_t tiles, ptrdiff_t channels, ptrdiff_t depth) {
  ptrdiff_t group = group_weights / depth / panel * panel, longest = group < channels ? long_chunk : short_chunk;
  group = group < panel ? panel : group > channels ? channels : group;
  ptrdiff_t chunks = (tiles + longest - 1) / longest;
  return (struct cut){(tiles + chunks - 1) / chunks, group};
}
