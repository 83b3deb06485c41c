#pragma once
#include "channel_view.h"

// Elements of `partial`.
ptrdiff_t qat_channel_sums_partial_count(struct qat_channel_view view);

// sums[c] = sum of x over all elements of channel c, for channel_blocks * block channels: pieces in float32, what they leave in double, in memory order.
void qat_channel_sums(struct qat_channel_view view, const float *x, float *partial, float *sums);
