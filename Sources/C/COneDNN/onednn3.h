// oneDNN 3: a layout is an object of the library's, and an operation's primitive descriptor is made in one call.
#pragma once

typedef dnnl_memory_desc_t qat_layout;
typedef const_dnnl_memory_desc_t qat_const_layout;

static inline dnnl_status_t qat_dnnl_strided(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims, const dnnl_dim_t *strides) {
  return dnnl_memory_desc_create_with_strides(layout, rank, dims, type, strides);
}
static inline dnnl_status_t qat_dnnl_tagged(qat_layout *layout, dnnl_data_type_t type, int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(layout, rank, dims, type, tag);
}
static inline dnnl_status_t qat_dnnl_copy(qat_layout *layout, qat_const_layout other) { return dnnl_memory_desc_clone(layout, other); }
static inline void qat_dnnl_free(qat_layout layout) { dnnl_memory_desc_destroy(layout); }

// Block size of the channel axis when that is the only blocked one, 1 when none is, 0 for any other layout.
static inline int qat_dnnl_channel_block(qat_const_layout layout) {
  dnnl_format_kind_t kind;
  int count;
  const dnnl_dims_t *axes, *sizes;
  if (dnnl_memory_desc_query(layout, dnnl_query_format_kind, &kind) != dnnl_success || kind != dnnl_blocked) return 0;
  if (dnnl_memory_desc_query(layout, dnnl_query_inner_nblks_s32, &count) != dnnl_success) return 0;
  if (count == 0) return 1;
  if (count != 1 || dnnl_memory_desc_query(layout, dnnl_query_inner_idxs, &axes) != dnnl_success || (*axes)[0] != 1) return 0;
  return dnnl_memory_desc_query(layout, dnnl_query_inner_blks, &sizes) == dnnl_success ? (int)(*sizes)[0] : 0;
}
static inline dnnl_dim_t qat_dnnl_padded_channels(qat_const_layout layout) {
  const dnnl_dims_t *dims;
  return dnnl_memory_desc_query(layout, dnnl_query_padded_dims, &dims) == dnnl_success ? (*dims)[1] : 0;
}

// The source's codes count from a number that each execution is given.
static inline dnnl_status_t qat_dnnl_set_source_zero_point(dnnl_primitive_attr_t attributes) {
  return dnnl_primitive_attr_set_zero_points_mask(attributes, DNNL_ARG_SRC, 0);
}

// Makes `pd` of `engine`: the operation `name`, by what follows. `name2` and `description2` are what oneDNN 2 calls it.
#define QAT_DNNL_FORWARD(name, name2, description2, attributes, ...) \
  return dnnl_##name##_primitive_desc_create(pd, engine, __VA_ARGS__, attributes)
// A backward pass, whose forward pass is `hint`.
#define QAT_DNNL_BACKWARD(name, name2, description2, ...) return dnnl_##name##_primitive_desc_create(pd, engine, __VA_ARGS__, hint, NULL)
// What reads and what is written lie alike: oneDNN 2 is told once.
#define QAT_DNNL_ALIKE(layout) layout, layout
