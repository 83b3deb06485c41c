// How gradients by Winograd's filtering are cut into tiles, tiles into chunks and channels into groups, and how values at points lie:
// [point][panel of 16 channels][tile or channel][channel of the panel]. A point's values are a matrix, all of one convolution 36 matrix products.
#pragma once
#include "include/winograd.h"
#include "winograd_transforms.h"

// A plane is cut into tiles of four by four.
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

// The next tile's corner.
INLINE struct corner corner_after(struct plane p, struct corner c) {
  c.column += outputs;
  if (c.column >= p.width) c.column = 0, c.row += outputs;
  if (c.row >= p.height) c.row = 0, ++c.sample;
  return c;
}

// Eight channels of one tile after the other, of a chunk of `tiles` from `first` on: `index` counts halves of panels.
struct walk {
  struct plane plane;
  ptrdiff_t first, tiles, index, tile;
  struct corner corner;
};

INLINE struct walk walk_from(struct plane p, ptrdiff_t first, ptrdiff_t tiles, ptrdiff_t item) {
  return (struct walk){p, first, tiles, item / tiles, item % tiles, corner_of(p, first + item % tiles)};
}

INLINE void step(struct walk *w) {
  w->corner = corner_after(w->plane, w->corner);
  if (++w->tile == w->tiles) w->tile = 0, ++w->index, w->corner = corner_of(w->plane, w->first);
}

// The columns of a tile: where they lie in a row, and which are inside of the plane. Those outside stand for zeros.
struct columns {
  ptrdiff_t place[points];
  mask kept[points];
  int isInside;
};

INLINE struct columns columns_of(const ptrdiff_t size, struct plane p, ptrdiff_t column) {
  struct columns c = {.isInside = column >= 0 && column + size <= p.width};
  for (ptrdiff_t j = 0; j < size; ++j) {
    ptrdiff_t x = column + j, inside = x < 0 ? 0 : x < p.width ? x : p.width - 1;
    c.place[j] = inside * p.block;
    c.kept[j] = (mask){} - (x == inside);
  }
  return c;
}

// Reads a row of a tile. No branches but two a row: which columns are outside differs from tile to tile.
INLINE void read_row(const ptrdiff_t size, struct plane p, const float *first, ptrdiff_t row, const struct columns *columns, vector *to) {
  if (row < 0 || row >= p.height) {
    for (ptrdiff_t j = 0; j < size; ++j) to[j] = (vector){};
    return;
  }
  const float *at = first + row * p.width * p.block;
  if (columns->isInside) {
    for (ptrdiff_t j = 0; j < size; ++j) to[j] = *(const vector *)(at + columns->place[0] + j * p.block);
  } else {
    for (ptrdiff_t j = 0; j < size; ++j) to[j] = (vector)(*(const mask *)(at + columns->place[j]) & columns->kept[j]);
  }
}

// Writes what of a tile lies inside of the plane.
INLINE void write_tile(struct plane p, float *first, ptrdiff_t row, ptrdiff_t column, const vector *tile) {
  float *at = first + (row * p.width + column) * p.block;
  const ptrdiff_t rows = p.height - row, columns = p.width - column;
  for (ptrdiff_t i = 0; i < outputs; ++i, at += p.width * p.block) {
    if (i >= rows) return;
    for (ptrdiff_t j = 0; j < outputs; ++j) {
      if (j < columns) *(vector *)(at + j * p.block) = tile[i * outputs + j];
    }
  }
}

// Floats from one point to the next. The rest keeps the 36 places of an element out of one set of the cache.
INLINE ptrdiff_t point_stride(ptrdiff_t panels, ptrdiff_t rows) { return (panels * rows + 17) * panel; }

// Where a half's vector lies for one row at the first point.
INLINE ptrdiff_t half_place(ptrdiff_t rows, ptrdiff_t index, ptrdiff_t row) { return (index / 2 * rows + row) * panel + index % 2 * half; }

// Asks for the rows of a tile, `ahead` floats further, to be brought into the second cache: the next channels' tile, on which a chunk's work comes in a while.
// Planes that are larger than a page are not read in the order of addresses, so that no CPU foresees it.
INLINE void expect_tile(struct plane p, const float *first, ptrdiff_t row, ptrdiff_t column, ptrdiff_t ahead) {
  for (ptrdiff_t i = 0; i < outputs; ++i) {
    const float *at = first + ((row + i) * p.width + column) * p.block + ahead;
    __builtin_prefetch(at, 0, 2);
    __builtin_prefetch(at + panel, 0, 2);
  }
}

// Six by six positions of eight channels at all points.
INLINE void inputs_at_points(struct plane p, const float *first, ptrdiff_t row, ptrdiff_t column, ptrdiff_t stride, float *to) {
  const struct columns columns = columns_of(points, p, column);
  expect_tile(p, first, row + 1, column + 1, p.width * p.height * half);
  const ptrdiff_t next = stride / half;
  vector taken[points], half_way[all_points];
  for (ptrdiff_t i = 0; i < points; ++i) {
    read_row(points, p, first, row + i, &columns, taken);
    inputs_to_points(taken, 1, half_way + i * points, 1);
  }
  for (ptrdiff_t j = 0; j < points; ++j) inputs_to_points(half_way + j, points, (vector *)to + j * next, points * next);
}

// Eight channels of `from` under one tile after the other of `tiling`, a chunk of `tiles` from `first_tile` on, at all points.
INLINE void windows_at_points(
    struct plane from, struct plane tiling, ptrdiff_t pad_top, ptrdiff_t pad_left, ptrdiff_t first_tile, ptrdiff_t tiles, const float *x, ptrdiff_t stride,
    float *to, ptrdiff_t first, ptrdiff_t last) {
  struct walk at = walk_from(tiling, first_tile, tiles, first);
  for (ptrdiff_t item = first; item < last; ++item, step(&at)) {
    inputs_at_points(
        from, x + half_offset(from, at.corner.sample, at.index), at.corner.row - pad_top, at.corner.column - pad_left, stride,
        to + half_place(tiles, at.index, at.tile));
  }
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
