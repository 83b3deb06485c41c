// What Swift cannot say to oneDNN's C interface directly, and the one place that knows how oneDNN 2 describes primitives.
//
// Each qat_dnnl_*_pd function makes a primitive descriptor, to be destroyed by the caller; a hint is the forward descriptor of the same operation.
#pragma once
#include <dnnl.h>

typedef dnnl_memory_desc_t qat_layout;
typedef dnnl_primitive_desc_t qat_pd;

static inline dnnl_status_t qat_dnnl_make(qat_pd *pd, const void *description, dnnl_engine_t engine, const_dnnl_primitive_desc_t hint) {
  return dnnl_primitive_desc_create(pd, description, NULL, engine, hint);
}

// A layout without padding in plain row-major order, or left to oneDNN ("any").
static inline dnnl_status_t qat_dnnl_plain(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims, const dnnl_dim_t *strides) {
  return dnnl_memory_desc_init_by_strides(layout, rank, dims, type, strides);
}
static inline dnnl_status_t qat_dnnl_any(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims) {
  return dnnl_memory_desc_init_by_tag(layout, rank, dims, type, dnnl_format_tag_any);
}
// [N, C, H, W] with channels in blocks of `block` (16, 8 or 4).
static inline dnnl_status_t qat_dnnl_blocked(qat_layout *layout, const dnnl_dim_t *dims, int block) {
  return dnnl_memory_desc_init_by_tag(
      layout, 4, dims, dnnl_f32, block == 16 ? dnnl_nChw16c : block == 8 ? dnnl_nChw8c : dnnl_nChw4c);
}
// [N, C, H, W] with the channels of a position next to each other.
static inline dnnl_status_t qat_dnnl_channels_last(qat_layout *layout, dnnl_data_type_t type, const dnnl_dim_t *dims) {
  return dnnl_memory_desc_init_by_tag(layout, 4, dims, type, dnnl_nhwc);
}
static inline int qat_dnnl_rank(const qat_layout *layout) { return layout->ndims; }
// Block size of the channel axis when that is the only blocked one, 1 when none is, 0 for any other layout.
static inline int qat_dnnl_channel_block(const qat_layout *layout) {
  if (layout->format_kind != dnnl_blocked) return 0;
  const dnnl_blocking_desc_t *b = &layout->format_desc.blocking;
  if (b->inner_nblks == 0) return 1;
  return b->inner_nblks == 1 && b->inner_idxs[0] == 1 ? (int)b->inner_blks[0] : 0;
}
static inline dnnl_dim_t qat_dnnl_padded_channels(const qat_layout *layout) { return layout->padded_dims[1]; }

static inline dnnl_status_t qat_dnnl_convolution_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, const qat_layout *source, const qat_layout *weights, const qat_layout *bias, const qat_layout *destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, source, weights, bias, destination, strides, dilations, pads_begin,
      pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
// Of a product of codes, u8 by s8 into s32 sums, exact. With a zero point, the source's codes count from a number that each execution is given.
static inline dnnl_status_t qat_dnnl_make_of_codes(qat_pd *pd, const void *description, dnnl_engine_t engine, int with_zero_point) {
  dnnl_primitive_attr_t attributes;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status != dnnl_success) return status;
  const int32_t zero_point = DNNL_RUNTIME_S32_VAL;
  if (with_zero_point) status = dnnl_primitive_attr_set_zero_points(attributes, DNNL_ARG_SRC, 1, 0, &zero_point);
  if (status == dnnl_success) status = dnnl_primitive_desc_create(pd, description, attributes, engine, NULL);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}
// Padding stands for zero, whatever its code.
static inline dnnl_status_t qat_dnnl_integer_convolution_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_zero_point, const qat_layout *source, const qat_layout *weights, const qat_layout *destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
      &d, dnnl_forward_training, dnnl_convolution_direct, source, weights, NULL, destination, strides, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make_of_codes(pd, &d, engine, with_zero_point) : status;
}
static inline dnnl_status_t qat_dnnl_convolution_backward_data_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *diff_source, const qat_layout *weights, const qat_layout *diff_destination, const dnnl_dim_t *strides,
    const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
      &d, dnnl_convolution_direct, diff_source, weights, diff_destination, strides, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}
static inline dnnl_status_t qat_dnnl_convolution_backward_weights_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *source, const qat_layout *diff_weights, const qat_layout *diff_bias, const qat_layout *diff_destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  dnnl_convolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
      &d, dnnl_convolution_direct, source, diff_weights, diff_bias, diff_destination, strides, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

static inline dnnl_status_t qat_dnnl_product_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, const qat_layout *source, const qat_layout *weights, const qat_layout *bias, const qat_layout *destination) {
  dnnl_inner_product_desc_t d;
  dnnl_status_t status = dnnl_inner_product_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, source, weights, bias, destination);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_product_backward_data_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *diff_source, const qat_layout *weights, const qat_layout *diff_destination,
    const_dnnl_primitive_desc_t hint) {
  dnnl_inner_product_desc_t d;
  dnnl_status_t status = dnnl_inner_product_backward_data_desc_init(&d, diff_source, weights, diff_destination);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}
static inline dnnl_status_t qat_dnnl_product_backward_weights_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *source, const qat_layout *diff_weights, const qat_layout *diff_bias, const qat_layout *diff_destination,
    const_dnnl_primitive_desc_t hint) {
  dnnl_inner_product_desc_t d;
  dnnl_status_t status = dnnl_inner_product_backward_weights_desc_init(&d, source, diff_weights, diff_bias, diff_destination);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

static inline dnnl_status_t qat_dnnl_normalization_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, int use_running, int with_relu, const qat_layout *layout, float epsilon) {
  dnnl_batch_normalization_desc_t d;
  unsigned flags = dnnl_use_scale | dnnl_use_shift | (use_running ? dnnl_use_global_stats : 0u) | (with_relu ? dnnl_fuse_norm_relu : 0u);
  dnnl_status_t status =
      dnnl_batch_normalization_forward_desc_init(&d, training ? dnnl_forward_training : dnnl_forward_inference, layout, epsilon, flags);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_normalization_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, int use_running, int with_relu, const qat_layout *diff_layout, const qat_layout *layout, float epsilon,
    const_dnnl_primitive_desc_t hint) {
  dnnl_batch_normalization_desc_t d;
  unsigned flags = dnnl_use_scale | dnnl_use_shift | (use_running ? dnnl_use_global_stats : 0u) | (with_relu ? dnnl_fuse_norm_relu : 0u);
  dnnl_status_t status = dnnl_batch_normalization_backward_desc_init(&d, dnnl_backward, diff_layout, layout, epsilon, flags);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

static inline dnnl_status_t qat_dnnl_eltwise_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, dnnl_alg_kind_t kind, const qat_layout *layout, float alpha, float beta) {
  dnnl_eltwise_desc_t d;
  dnnl_status_t status =
      dnnl_eltwise_forward_desc_init(&d, training ? dnnl_forward_training : dnnl_forward_inference, kind, layout, alpha, beta);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_eltwise_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, const qat_layout *diff_layout, const qat_layout *layout, float alpha, float beta,
    const_dnnl_primitive_desc_t hint) {
  dnnl_eltwise_desc_t d;
  dnnl_status_t status = dnnl_eltwise_backward_desc_init(&d, kind, diff_layout, layout, alpha, beta);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

static inline dnnl_status_t qat_dnnl_pooling_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, dnnl_alg_kind_t kind, const qat_layout *source, const qat_layout *destination, const dnnl_dim_t *strides,
    const dnnl_dim_t *kernel, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  dnnl_pooling_v2_desc_t d;
  dnnl_status_t status = dnnl_pooling_v2_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, kind, source, destination, strides, kernel, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_pooling_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, const qat_layout *diff_source, const qat_layout *diff_destination, const dnnl_dim_t *strides,
    const dnnl_dim_t *kernel, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  dnnl_pooling_v2_desc_t d;
  dnnl_status_t status =
      dnnl_pooling_v2_backward_desc_init(&d, kind, diff_source, diff_destination, strides, kernel, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

static inline dnnl_status_t qat_dnnl_reorder_pd(qat_pd *pd, dnnl_engine_t engine, const qat_layout *source, const qat_layout *destination) {
  return dnnl_reorder_primitive_desc_create(pd, source, engine, destination, engine, NULL);
}

static inline dnnl_status_t qat_dnnl_matmul_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *source, const qat_layout *weights, const qat_layout *destination) {
  dnnl_matmul_desc_t d;
  dnnl_status_t status = dnnl_matmul_desc_init(&d, source, weights, NULL, destination);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_integer_matmul_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_zero_point, const qat_layout *source, const qat_layout *weights, const qat_layout *destination) {
  dnnl_matmul_desc_t d;
  dnnl_status_t status = dnnl_matmul_desc_init(&d, source, weights, NULL, destination);
  return status == dnnl_success ? qat_dnnl_make_of_codes(pd, &d, engine, with_zero_point) : status;
}

static inline dnnl_status_t qat_dnnl_softmax_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, int logarithmic, const qat_layout *layout, int axis) {
  dnnl_softmax_v2_desc_t d;
  dnnl_status_t status = dnnl_softmax_v2_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, logarithmic ? dnnl_softmax_log : dnnl_softmax_accurate, layout, layout, axis);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_softmax_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, int logarithmic, const qat_layout *layout, int axis, const_dnnl_primitive_desc_t hint) {
  dnnl_softmax_v2_desc_t d;
  dnnl_status_t status =
      dnnl_softmax_v2_backward_desc_init(&d, logarithmic ? dnnl_softmax_log : dnnl_softmax_accurate, layout, layout, layout, axis);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

// Layer normalisation over the last axis; the statistics have one element for each line.
static inline dnnl_status_t qat_dnnl_layer_normalization_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, int with_shift, const qat_layout *layout, const qat_layout *statistics, float epsilon) {
  dnnl_layer_normalization_desc_t d;
  dnnl_status_t status = dnnl_layer_normalization_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, layout, statistics, epsilon,
      dnnl_use_scale | (with_shift ? dnnl_use_shift : 0u));
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_layer_normalization_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_shift, const qat_layout *layout, const qat_layout *statistics, float epsilon,
    const_dnnl_primitive_desc_t hint) {
  dnnl_layer_normalization_desc_t d;
  dnnl_status_t status = dnnl_layer_normalization_backward_desc_init(
      &d, dnnl_backward, layout, layout, statistics, epsilon, dnnl_use_scale | (with_shift ? dnnl_use_shift : 0u));
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}

static inline dnnl_status_t qat_dnnl_deconvolution_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, const qat_layout *source, const qat_layout *weights, const qat_layout *bias, const qat_layout *destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  dnnl_deconvolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_deconvolution_forward_desc_init(
      &d, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_deconvolution_direct, source, weights, bias, destination, strides, dilations,
      pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, NULL) : status;
}
static inline dnnl_status_t qat_dnnl_deconvolution_backward_data_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *diff_source, const qat_layout *weights, const qat_layout *diff_destination, const dnnl_dim_t *strides,
    const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  dnnl_deconvolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_deconvolution_backward_data_desc_init(
      &d, dnnl_deconvolution_direct, diff_source, weights, diff_destination, strides, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}
static inline dnnl_status_t qat_dnnl_deconvolution_backward_weights_pd(
    qat_pd *pd, dnnl_engine_t engine, const qat_layout *source, const qat_layout *diff_weights, const qat_layout *diff_bias, const qat_layout *diff_destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  dnnl_deconvolution_desc_t d;
  dnnl_status_t status = dnnl_dilated_deconvolution_backward_weights_desc_init(
      &d, dnnl_deconvolution_direct, source, diff_weights, diff_bias, diff_destination, strides, dilations, pads_begin, pads_end);
  return status == dnnl_success ? qat_dnnl_make(pd, &d, engine, hint) : status;
}
