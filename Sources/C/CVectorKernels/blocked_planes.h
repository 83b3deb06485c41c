// Eight channels at a time of tensors [batch][channels / block][height][width][block], for blocks of 8 and 16.
#pragma once
#include <stddef.h>
#include "dispatch.h"

// Channels that are taken together, and of a panel.
enum { half = 8, panel = 16 };

typedef float vector __attribute__((vector_size(half * sizeof(float)), aligned(4), may_alias));
// Lanes of a vector that are kept: all bits of an element or none.
typedef int mask __attribute__((vector_size(half * sizeof(int)), aligned(4), may_alias));
// Channels of a panel in one register or two.
typedef float wide __attribute__((vector_size(panel * sizeof(float)), aligned(4), may_alias));

// Rows of a product that keep two of AVX2's registers each, with four left for the other factor and for a row's own number.
enum { register_rows = 6 };

struct plane {
  ptrdiff_t batch, channels, block, height, width;
};

// The first of eight channels of a sample: `index` counts halves of panels. Without divisions: small planes have many.
INLINE ptrdiff_t half_offset(struct plane p, ptrdiff_t sample, ptrdiff_t index) {
  ptrdiff_t area = p.height * p.width, within = p.block == half ? index * half * area : index / 2 * panel * area + index % 2 * half;
  return sample * p.channels * area + within;
}
