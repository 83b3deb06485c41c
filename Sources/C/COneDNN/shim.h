// What Swift cannot say to oneDNN's C interface directly. How oneDNN 2 and 3 differ is in the two headers below, and nowhere else.
//
// Each qat_dnnl_*_pd function makes a primitive descriptor, to be destroyed by the caller; a hint is the forward descriptor of the same operation. A layout that a function
// makes is freed by qat_dnnl_free.
#pragma once
#include <dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
#include "onednn3.h"
#else
#include "onednn2.h"
#endif

typedef dnnl_primitive_desc_t qat_pd;

// A layout that is left to oneDNN.
static inline dnnl_status_t qat_dnnl_any(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims) {
  return qat_dnnl_tagged(layout, type, rank, dims, dnnl_format_tag_any);
}
// [N, C, H, W] with channels in blocks of `block` (16, 8 or 4).
static inline dnnl_status_t qat_dnnl_blocked(qat_layout *layout, const dnnl_dim_t *dims, int block) {
  return qat_dnnl_tagged(layout, dnnl_f32, 4, dims, block == 16 ? dnnl_nChw16c : block == 8 ? dnnl_nChw8c : dnnl_nChw4c);
}
// [N, C, H, W] with the channels of a position next to each other.
static inline dnnl_status_t qat_dnnl_channels_last(qat_layout *layout, dnnl_data_type_t type, const dnnl_dim_t *dims) {
  return qat_dnnl_tagged(layout, type, 4, dims, dnnl_nhwc);
}

static inline dnnl_prop_kind_t qat_dnnl_forward(int training) { return training ? dnnl_forward_training : dnnl_forward_inference; }

static inline dnnl_status_t qat_dnnl_convolution_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, qat_const_layout source, qat_const_layout weights, qat_const_layout bias,
    qat_const_layout destination, const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  QAT_DNNL_FORWARD(
      convolution_forward, dilated_convolution_forward, dnnl_convolution_desc_t, NULL, qat_dnnl_forward(training), dnnl_convolution_direct, source,
      weights, bias, destination, strides, dilations, pads_begin, pads_end);
}
// Of products of codes, u8 by s8 into s32 sums, exact.
static inline dnnl_status_t qat_dnnl_attributes_of_codes(dnnl_primitive_attr_t *attributes, int with_zero_point) {
  dnnl_status_t status = dnnl_primitive_attr_create(attributes);
  if (status != dnnl_success || !with_zero_point) return status;
  status = qat_dnnl_set_source_zero_point(*attributes);
  if (status != dnnl_success) dnnl_primitive_attr_destroy(*attributes);
  return status;
}
static inline dnnl_status_t qat_dnnl_convolution_of_codes_pd(
    qat_pd *pd, dnnl_engine_t engine, dnnl_primitive_attr_t attributes, qat_const_layout source, qat_const_layout weights, qat_const_layout destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  QAT_DNNL_FORWARD(
      convolution_forward, dilated_convolution_forward, dnnl_convolution_desc_t, attributes, dnnl_forward_training, dnnl_convolution_direct, source, weights,
      NULL, destination, strides, dilations, pads_begin, pads_end);
}
static inline dnnl_status_t qat_dnnl_matmul_of_codes_pd(
    qat_pd *pd, dnnl_engine_t engine, dnnl_primitive_attr_t attributes, qat_const_layout source, qat_const_layout weights, qat_const_layout destination) {
  QAT_DNNL_FORWARD(matmul, matmul, dnnl_matmul_desc_t, attributes, source, weights, NULL, destination);
}
// Padding stands for zero, whatever its code.
static inline dnnl_status_t qat_dnnl_integer_convolution_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_zero_point, qat_const_layout source, qat_const_layout weights, qat_const_layout destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  dnnl_primitive_attr_t attributes;
  dnnl_status_t status = qat_dnnl_attributes_of_codes(&attributes, with_zero_point);
  if (status != dnnl_success) return status;
  status = qat_dnnl_convolution_of_codes_pd(
      pd, engine, attributes, source, weights, destination, strides, dilations, pads_begin, pads_end);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}
static inline dnnl_status_t qat_dnnl_convolution_backward_data_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout diff_source, qat_const_layout weights, qat_const_layout diff_destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      convolution_backward_data, dilated_convolution_backward_data, dnnl_convolution_desc_t, dnnl_convolution_direct, diff_source, weights,
      diff_destination, strides, dilations, pads_begin, pads_end);
}
static inline dnnl_status_t qat_dnnl_convolution_backward_weights_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout source, qat_const_layout diff_weights, qat_const_layout diff_bias,
    qat_const_layout diff_destination, const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin,
    const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      convolution_backward_weights, dilated_convolution_backward_weights, dnnl_convolution_desc_t, dnnl_convolution_direct, source, diff_weights,
      diff_bias, diff_destination, strides, dilations, pads_begin, pads_end);
}

static inline dnnl_status_t qat_dnnl_product_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, qat_const_layout source, qat_const_layout weights, qat_const_layout bias,
    qat_const_layout destination) {
  QAT_DNNL_FORWARD(
      inner_product_forward, inner_product_forward, dnnl_inner_product_desc_t, NULL, qat_dnnl_forward(training), source, weights, bias, destination);
}
static inline dnnl_status_t qat_dnnl_product_backward_data_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout diff_source, qat_const_layout weights, qat_const_layout diff_destination,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(inner_product_backward_data, inner_product_backward_data, dnnl_inner_product_desc_t, diff_source, weights, diff_destination);
}
static inline dnnl_status_t qat_dnnl_product_backward_weights_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout source, qat_const_layout diff_weights, qat_const_layout diff_bias,
    qat_const_layout diff_destination, const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      inner_product_backward_weights, inner_product_backward_weights, dnnl_inner_product_desc_t, source, diff_weights, diff_bias, diff_destination);
}

/// Batch norm by statistics that are given.
static inline unsigned qat_dnnl_normalization_flags(int with_relu) {
  return dnnl_use_scale | dnnl_use_shift | dnnl_use_global_stats | (with_relu ? dnnl_fuse_norm_relu : 0u);
}
static inline dnnl_status_t qat_dnnl_normalization_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, int with_relu, qat_const_layout layout, float epsilon) {
  QAT_DNNL_FORWARD(
      batch_normalization_forward, batch_normalization_forward, dnnl_batch_normalization_desc_t, NULL, qat_dnnl_forward(training),
      QAT_DNNL_ALIKE(layout), epsilon, qat_dnnl_normalization_flags(with_relu));
}
static inline dnnl_status_t qat_dnnl_normalization_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_relu, qat_const_layout diff_layout, qat_const_layout layout, float epsilon,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      batch_normalization_backward, batch_normalization_backward, dnnl_batch_normalization_desc_t, dnnl_backward, QAT_DNNL_ALIKE(diff_layout), layout,
      epsilon, qat_dnnl_normalization_flags(with_relu));
}

static inline dnnl_status_t qat_dnnl_eltwise_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, dnnl_alg_kind_t kind, qat_const_layout layout, float alpha, float beta) {
  QAT_DNNL_FORWARD(
      eltwise_forward, eltwise_forward, dnnl_eltwise_desc_t, NULL, qat_dnnl_forward(training), kind, QAT_DNNL_ALIKE(layout), alpha, beta);
}
static inline dnnl_status_t qat_dnnl_eltwise_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, qat_const_layout diff_layout, qat_const_layout layout, float alpha, float beta,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(eltwise_backward, eltwise_backward, dnnl_eltwise_desc_t, kind, QAT_DNNL_ALIKE(diff_layout), layout, alpha, beta);
}

static inline dnnl_status_t qat_dnnl_pooling_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, dnnl_alg_kind_t kind, qat_const_layout source, qat_const_layout destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *kernel, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  QAT_DNNL_FORWARD(
      pooling_forward, pooling_v2_forward, dnnl_pooling_v2_desc_t, NULL, qat_dnnl_forward(training), kind, source, destination, strides, kernel,
      dilations, pads_begin, pads_end);
}
static inline dnnl_status_t qat_dnnl_pooling_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, qat_const_layout diff_source, qat_const_layout diff_destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *kernel, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      pooling_backward, pooling_v2_backward, dnnl_pooling_v2_desc_t, kind, diff_source, diff_destination, strides, kernel, dilations, pads_begin,
      pads_end);
}

static inline dnnl_status_t qat_dnnl_reorder_pd(qat_pd *pd, dnnl_engine_t engine, qat_const_layout source, qat_const_layout destination) {
  return dnnl_reorder_primitive_desc_create(pd, source, engine, destination, engine, NULL);
}

static inline dnnl_status_t qat_dnnl_matmul_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout source, qat_const_layout weights, qat_const_layout destination) {
  QAT_DNNL_FORWARD(matmul, matmul, dnnl_matmul_desc_t, NULL, source, weights, NULL, destination);
}
static inline dnnl_status_t qat_dnnl_integer_matmul_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_zero_point, qat_const_layout source, qat_const_layout weights, qat_const_layout destination) {
  dnnl_primitive_attr_t attributes;
  dnnl_status_t status = qat_dnnl_attributes_of_codes(&attributes, with_zero_point);
  if (status != dnnl_success) return status;
  status = qat_dnnl_matmul_of_codes_pd(pd, engine, attributes, source, weights, destination);
  dnnl_primitive_attr_destroy(attributes);
  return status;
}

static inline dnnl_status_t qat_dnnl_softmax_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, int logarithmic, qat_const_layout layout, int axis) {
  QAT_DNNL_FORWARD(
      softmax_forward, softmax_v2_forward, dnnl_softmax_v2_desc_t, NULL, qat_dnnl_forward(training),
      logarithmic ? dnnl_softmax_log : dnnl_softmax_accurate, layout, layout, axis);
}
static inline dnnl_status_t qat_dnnl_softmax_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, int logarithmic, qat_const_layout layout, int axis, const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      softmax_backward, softmax_v2_backward, dnnl_softmax_v2_desc_t, logarithmic ? dnnl_softmax_log : dnnl_softmax_accurate, layout, layout, layout,
      axis);
}

// Layer normalisation over the last axis; the statistics have one element for each line.
static inline dnnl_status_t qat_dnnl_layer_normalization_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, int with_shift, qat_const_layout layout, qat_const_layout statistics, float epsilon) {
  QAT_DNNL_FORWARD(
      layer_normalization_forward, layer_normalization_forward, dnnl_layer_normalization_desc_t, NULL, qat_dnnl_forward(training),
      QAT_DNNL_ALIKE(layout), statistics, epsilon, dnnl_use_scale | (with_shift ? dnnl_use_shift : 0u));
}
static inline dnnl_status_t qat_dnnl_layer_normalization_backward_pd(
    qat_pd *pd, dnnl_engine_t engine, int with_shift, qat_const_layout layout, qat_const_layout statistics, float epsilon,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      layer_normalization_backward, layer_normalization_backward, dnnl_layer_normalization_desc_t, dnnl_backward, QAT_DNNL_ALIKE(layout), layout,
      statistics, epsilon, dnnl_use_scale | (with_shift ? dnnl_use_shift : 0u));
}

static inline dnnl_status_t qat_dnnl_deconvolution_forward_pd(
    qat_pd *pd, dnnl_engine_t engine, int training, qat_const_layout source, qat_const_layout weights, qat_const_layout bias,
    qat_const_layout destination, const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end) {
  QAT_DNNL_FORWARD(
      deconvolution_forward, dilated_deconvolution_forward, dnnl_deconvolution_desc_t, NULL, qat_dnnl_forward(training), dnnl_deconvolution_direct,
      source, weights, bias, destination, strides, dilations, pads_begin, pads_end);
}
static inline dnnl_status_t qat_dnnl_deconvolution_backward_data_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout diff_source, qat_const_layout weights, qat_const_layout diff_destination,
    const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin, const dnnl_dim_t *pads_end,
    const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      deconvolution_backward_data, dilated_deconvolution_backward_data, dnnl_deconvolution_desc_t, dnnl_deconvolution_direct, diff_source, weights,
      diff_destination, strides, dilations, pads_begin, pads_end);
}
static inline dnnl_status_t qat_dnnl_deconvolution_backward_weights_pd(
    qat_pd *pd, dnnl_engine_t engine, qat_const_layout source, qat_const_layout diff_weights, qat_const_layout diff_bias,
    qat_const_layout diff_destination, const dnnl_dim_t *strides, const dnnl_dim_t *dilations, const dnnl_dim_t *pads_begin,
    const dnnl_dim_t *pads_end, const_dnnl_primitive_desc_t hint) {
  QAT_DNNL_BACKWARD(
      deconvolution_backward_weights, dilated_deconvolution_backward_weights, dnnl_deconvolution_desc_t, dnnl_deconvolution_direct, source,
      diff_weights, diff_bias, diff_destination, strides, dilations, pads_begin, pads_end);
}
