// oneDNN 2: a layout is a structure of the caller's, and an operation is described by another one before there is a primitive descriptor of it.
#pragma once
#include <stdlib.h>

typedef dnnl_memory_desc_t *qat_layout;
typedef const dnnl_memory_desc_t *qat_const_layout;

static inline dnnl_status_t qat_dnnl_new(qat_layout *layout) {
  *layout = (qat_layout)calloc(1, sizeof **layout);
  return *layout ? dnnl_success : dnnl_out_of_memory;
}
static inline void qat_dnnl_free(qat_layout layout) { free(layout); }
static inline dnnl_status_t qat_dnnl_kept(qat_layout *layout, dnnl_status_t status) {
  if (status == dnnl_success) return status;
  qat_dnnl_free(*layout);
  *layout = NULL;
  return status;
}
static inline dnnl_status_t qat_dnnl_strided(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims, const dnnl_dim_t *strides) {
  dnnl_status_t status = qat_dnnl_new(layout);
  return status == dnnl_success ? qat_dnnl_kept(layout, dnnl_memory_desc_init_by_strides(*layout, rank, dims, type, strides)) : status;
}
static inline dnnl_status_t qat_dnnl_tagged(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag) {
  dnnl_status_t status = qat_dnnl_new(layout);
  return status == dnnl_success ? qat_dnnl_kept(layout, dnnl_memory_desc_init_by_tag(*layout, rank, dims, type, tag)) : status;
}
static inline dnnl_status_t qat_dnnl_copy(qat_layout *layout, qat_const_layout other) {
  dnnl_status_t status = qat_dnnl_new(layout);
  if (status == dnnl_success) **layout = *other;
  return status;
}

// Block size of the channel axis when that is the only blocked one, 1 when none is, 0 for any other layout.
static inline int qat_dnnl_channel_block(qat_const_layout layout) {
  if (layout->format_kind != dnnl_blocked) return 0;
  const dnnl_blocking_desc_t *b = &layout->format_desc.blocking;
  if (b->inner_nblks == 0) return 1;
  return b->inner_nblks == 1 && b->inner_idxs[0] == 1 ? (int)b->inner_blks[0] : 0;
}
static inline dnnl_dim_t qat_dnnl_padded_channels(qat_const_layout layout) { return layout->padded_dims[1]; }

// The source's codes count from a number that each execution is given.
static inline dnnl_status_t qat_dnnl_set_source_zero_point(dnnl_primitive_attr_t attributes) {
  const int32_t zero_point = DNNL_RUNTIME_S32_VAL;
  return dnnl_primitive_attr_set_zero_points(attributes, DNNL_ARG_SRC, 1, 0, &zero_point);
}

// Makes `pd` of `engine`: the operation `name2`, by what follows. `name` is what oneDNN 3 calls it.
#define QAT_DNNL_FORWARD(name, name2, description2, attributes, ...)    \
  description2 description;                                             \
  dnnl_status_t status = dnnl_##name2##_desc_init(&description, __VA_ARGS__); \
  return status == dnnl_success ? dnnl_primitive_desc_create(pd, &description, attributes, engine, NULL) : status
// A backward pass, whose forward pass is `hint`.
#define QAT_DNNL_BACKWARD(name, name2, description2, ...)               \
  description2 description;                                             \
  dnnl_status_t status = dnnl_##name2##_desc_init(&description, __VA_ARGS__); \
  return status == dnnl_success ? dnnl_primitive_desc_create(pd, &description, NULL, engine, hint) : status
// What reads and what is written lie alike: oneDNN 2 is told once.
#define QAT_DNNL_ALIKE(layout) layout
