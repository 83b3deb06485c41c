// Times both gradients of a convolution by our kernels and by oneDNN's, from row-major weights to row-major gradients.
#include <dnnl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "image_convolution.h"
#include "winograd.h"

static void require(dnnl_status_t status) {
  if (status != dnnl_success) fprintf(stderr, "bench-convolutions: oneDNN refused: status %d\n", status), exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static float *floats(ptrdiff_t count, int isRandom) {
  float *memory = aligned_alloc(64, ((size_t)count * sizeof(float) + 63) & ~(size_t)63);
  if (!memory) fprintf(stderr, "bench-convolutions: no memory for %td floats\n", count), exit(1);
  for (ptrdiff_t i = 0; i < count; ++i) memory[i] = isRandom ? (float)(rand() % 20001 - 10000) / 10000 : 0;
  return memory;
}

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static dnnl_memory_t memory_of(const dnnl_memory_desc_t *layout, float *values) {
  dnnl_memory_t memory;
  require(dnnl_memory_create(&memory, layout, engine, values));
  return memory;
}

static dnnl_primitive_t primitive_of(dnnl_primitive_desc_t descriptor) {
  dnnl_primitive_t primitive;
  require(dnnl_primitive_create(&primitive, descriptor));
  return primitive;
}

static dnnl_primitive_t reorder_of(const dnnl_memory_desc_t *from, const dnnl_memory_desc_t *to) {
  dnnl_primitive_desc_t descriptor;
  require(dnnl_reorder_primitive_desc_create(&descriptor, from, engine, to, engine, NULL));
  return primitive_of(descriptor);
}

static int ascending(const void *a, const void *b) { return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b; }

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  return values[count / 2];
}

// Root mean square of the differences over that of the values.
static double apart(ptrdiff_t count, const float *a, const float *b) {
  double differences = 0, squares = 0;
  for (ptrdiff_t i = 0; i < count; ++i) differences += pow((double)a[i] - b[i], 2), squares += pow(b[i], 2);
  return sqrt(differences / squares);
}

typedef void (*data_kernel)(struct qat_image_convolution, const float *, const float *, float *, float *);
typedef void (*weights_kernel)(struct qat_image_convolution, const float *, const float *, float *, float *);

static struct qat_winograd winograd_of(struct qat_image_convolution s) {
  return (struct qat_winograd){s.batch, s.block, s.in_channels, s.in_height, s.in_width, s.out_channels, s.out_height, s.out_width, s.pad_top, s.pad_left};
}

static void winograd_data(struct qat_image_convolution s, const float *dy, const float *w, float *dx, float *scratch) {
  qat_winograd_backward_data(winograd_of(s), dy, w, dx, scratch);
}

static void winograd_weights(struct qat_image_convolution s, const float *x, const float *dy, float *dw, float *scratch) {
  qat_winograd_backward_weights(winograd_of(s), x, dy, dw, scratch);
}

int main(int count, char **arguments) {
  if (count != 9) return fprintf(stderr, "usage: bench-convolutions BATCH INPUTS OUTPUTS SIZE KERNEL STRIDE PAD ROUNDS\n"), 64;
  ptrdiff_t batch = atoi(arguments[1]), inputs = atoi(arguments[2]), outputs = atoi(arguments[3]), size = atoi(arguments[4]);
  ptrdiff_t kernel = atoi(arguments[5]), stride = atoi(arguments[6]), pad = atoi(arguments[7]), out = (size + 2 * pad - kernel) / stride + 1;
  int rounds = atoi(arguments[8]);
  const int isImage = inputs <= qat_image_channels;
  if (!isImage && (kernel != 3 || stride != 1)) return fprintf(stderr, "bench-convolutions: 3 × 3 windows of stride 1, or images of few channels\n"), 64;
  require(dnnl_engine_create(&engine, dnnl_cpu, 0));
  require(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
  const int isWide = (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
  const dnnl_format_tag_t blocked = isWide ? dnnl_nChw16c : dnnl_nChw8c;
  const dnnl_dims_t x_shape = {batch, inputs, size, size}, w_shape = {outputs, inputs, kernel, kernel}, y_shape = {batch, outputs, out, out};
  const dnnl_dims_t strides = {stride, stride}, pads = {pad, pad}, rest = {(out - 1) * stride + kernel - size - pad, (out - 1) * stride + kernel - size - pad};
  dnnl_memory_desc_t x_layout, y_layout, x_any, y_any, y_plain, w_any, w_layout;
  require(dnnl_memory_desc_init_by_tag(&x_layout, 4, x_shape, dnnl_f32, isImage ? dnnl_nchw : blocked));
  require(dnnl_memory_desc_init_by_tag(&y_layout, 4, y_shape, dnnl_f32, blocked));
  require(dnnl_memory_desc_init_by_tag(&y_plain, 4, y_shape, dnnl_f32, dnnl_nchw));
  require(dnnl_memory_desc_init_by_tag(&x_any, 4, x_shape, dnnl_f32, inputs < 3 ? dnnl_format_tag_any : isImage ? dnnl_nchw : blocked));
  require(dnnl_memory_desc_init_by_tag(&y_any, 4, y_shape, dnnl_f32, blocked));
  require(dnnl_memory_desc_init_by_tag(&w_any, 4, w_shape, dnnl_f32, dnnl_format_tag_any));
  require(dnnl_memory_desc_init_by_tag(&w_layout, 4, w_shape, dnnl_f32, dnnl_oihw));

  // As without our kernels: the gradient towards an image by a matrix product in row-major layouts, its weights from what layout oneDNN likes.
  dnnl_convolution_desc_t operation;
  dnnl_primitive_desc_t forward, data, weights;
  require(dnnl_convolution_forward_desc_init(
      &operation, dnnl_forward_training, dnnl_convolution_direct, &x_layout, &w_any, NULL, &y_layout, strides, pads, rest));
  require(dnnl_primitive_desc_create(&forward, &operation, NULL, engine, NULL));
  const dnnl_memory_desc_t *upstream = isImage ? &y_plain : &y_layout;
  require(dnnl_convolution_backward_data_desc_init(&operation, dnnl_convolution_direct, &x_layout, &w_any, upstream, strides, pads, rest));
  require(dnnl_primitive_desc_create(&data, &operation, NULL, engine, forward));
  require(dnnl_convolution_backward_weights_desc_init(&operation, dnnl_convolution_direct, &x_any, &w_any, NULL, &y_any, strides, pads, rest));
  require(dnnl_primitive_desc_create(&weights, &operation, NULL, engine, forward));
  const dnnl_memory_desc_t *packed = dnnl_primitive_desc_query_md(data, dnnl_query_weights_md, 0);
  const dnnl_memory_desc_t *packed_gradient = dnnl_primitive_desc_query_md(weights, dnnl_query_diff_weights_md, 0);
  const dnnl_memory_desc_t *liked = dnnl_primitive_desc_query_md(weights, dnnl_query_src_md, 0);

  const ptrdiff_t xs = batch * inputs * size * size, ys = batch * outputs * out * out, ws = outputs * inputs * kernel * kernel;
  float *x = floats(xs, 1), *dy = floats(ys, 1), *w = floats(ws, 1), *dx[2] = {floats(xs, 0), floats(xs, 0)}, *dw[2] = {floats(ws, 0), floats(ws, 0)};
  dnnl_memory_t w_memory = memory_of(&w_layout, w), w_packed = memory_of(packed, floats((ptrdiff_t)dnnl_memory_desc_get_size(packed) / 4, 0));
  dnnl_memory_t dw_memory = memory_of(&w_layout, dw[1]);
  dnnl_memory_t dw_packed = memory_of(packed_gradient, floats((ptrdiff_t)dnnl_memory_desc_get_size(packed_gradient) / 4, 0));
  dnnl_memory_t x_memory = memory_of(&x_layout, x), x_liked = memory_of(liked, floats((ptrdiff_t)dnnl_memory_desc_get_size(liked) / 4, 0));
  dnnl_memory_t dx_memory = memory_of(&x_layout, dx[1]), dy_memory = memory_of(&y_layout, dy), dy_plain = memory_of(&y_plain, floats(ys, 0));
  dnnl_primitive_t pack = reorder_of(&w_layout, packed), unpack = reorder_of(packed_gradient, &w_layout);
  dnnl_primitive_t flatten = reorder_of(&y_layout, &y_plain), like = reorder_of(&x_layout, liked);
  const int isLiked = dnnl_memory_desc_equal(&x_layout, liked);
  dnnl_primitive_t data_gradient = primitive_of(data), weight_gradient = primitive_of(weights);
  const struct qat_image_convolution shape = {batch, isWide ? 16 : 8, inputs, size, size, outputs, out, out, kernel, stride, pad, pad};
  const data_kernel backward_data = isImage ? qat_image_backward_data : winograd_data;
  const weights_kernel backward_weights = isImage ? qat_image_backward_weights : winograd_weights;
  ptrdiff_t for_data = isImage ? qat_image_backward_data_scratch(shape) : qat_winograd_scratch(winograd_of(shape));
  ptrdiff_t for_weights = isImage ? qat_image_backward_weights_scratch(shape) : qat_winograd_scratch(winograd_of(shape));
  float *scratch = floats(for_data > for_weights ? for_data : for_weights, 0);

  double *seconds[4];
  for (int i = 0; i < 4; ++i) seconds[i] = calloc((size_t)rounds, sizeof(double));
  for (int round = 0; round < rounds; ++round) {
    double start = now();
    backward_data(shape, dy, w, dx[0], scratch);
    seconds[0][round] = now() - start, start = now();
    if (isImage) require(dnnl_primitive_execute(flatten, stream, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, dy_memory}, {DNNL_ARG_TO, dy_plain}}));
    require(dnnl_primitive_execute(pack, stream, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, w_memory}, {DNNL_ARG_TO, w_packed}}));
    require(dnnl_primitive_execute(
        data_gradient, stream, 3,
        (dnnl_exec_arg_t[]){{DNNL_ARG_DIFF_DST, isImage ? dy_plain : dy_memory}, {DNNL_ARG_WEIGHTS, w_packed}, {DNNL_ARG_DIFF_SRC, dx_memory}}));
    seconds[1][round] = now() - start, start = now();
    backward_weights(shape, x, dy, dw[0], scratch);
    seconds[2][round] = now() - start, start = now();
    if (!isLiked) require(dnnl_primitive_execute(like, stream, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, x_memory}, {DNNL_ARG_TO, x_liked}}));
    require(dnnl_primitive_execute(
        weight_gradient, stream, 3,
        (dnnl_exec_arg_t[]){{DNNL_ARG_SRC, isLiked ? x_memory : x_liked}, {DNNL_ARG_DIFF_DST, dy_memory}, {DNNL_ARG_DIFF_WEIGHTS, dw_packed}}));
    require(dnnl_primitive_execute(unpack, stream, 2, (dnnl_exec_arg_t[]){{DNNL_ARG_FROM, dw_packed}, {DNNL_ARG_TO, dw_memory}}));
    seconds[3][round] = now() - start;
  }
  double t[4];
  for (int i = 0; i < 4; ++i) t[i] = median(seconds[i], rounds) * 1000;
  char name[64];
  snprintf(name, sizeof name, "%td, %td, %td, %td, %td, %td", batch, inputs, outputs, size, kernel, stride);
  printf(
      "%-26s %10.2f %10.2f %8.2f %10.1e   %10.2f %10.2f %8.2f %10.1e\n", name, t[0], t[1], t[1] / t[0], apart(xs, dx[0], dx[1]), t[2], t[3], t[3] / t[2],
      apart(ws, dw[0], dw[1]));
}
