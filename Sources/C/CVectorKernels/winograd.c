#include "include/winograd.h"
#include "winograd_tiles.h"

ptrdiff_t qat_winograd_scratch(struct qat_winograd s) {
  ptrdiff_t tiles_in = tiles_of((struct plane){s.batch, s.in_channels, s.block, s.in_height, s.in_width});
  ptrdiff_t tiles_out = tiles_of((struct plane){s.batch, s.out_channels, s.block, s.out_height, s.out_width});
  struct cut data = cut_of(tiles_in, s.in_channels, s.out_channels), weights = cut_of(tiles_out, s.out_channels, s.in_channels);
  ptrdiff_t for_data = point_stride(s.out_channels / panel, data.chunk) + point_stride(data.group / panel, s.out_channels) +
                       point_stride(data.group / panel, data.chunk);
  ptrdiff_t for_weights = point_stride(s.in_channels / panel, weights.chunk) + point_stride(weights.group / panel, weights.chunk) +
                          point_stride(s.in_channels / panel, weights.group);
  return all_points * (for_data > for_weights ? for_data : for_weights);
}
