#pragma once
#include <stddef.h>

// A tensor seen channel by channel, in memory order: [outer][channel blocks][inner][block].
//
// Row-major with the channel axis in the middle: block = 1, channel_blocks = C. oneDNN's nChw16c: outer = N, channel_blocks = ceil(C / 16),
// inner = H·W, block = 16; lanes beyond C hold zeros and stay zero. Who treats all elements alike sees [1][1][elements][1].
struct qat_channel_view {
  ptrdiff_t outer, channel_blocks, inner, block;
};
