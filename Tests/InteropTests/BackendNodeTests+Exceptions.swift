import Foundation

extension BackendNodeTests {
  /// Tests that ask for what networks here do not have, by reason. Each entry is a name, in which stars stand for any text.
  static let exceptions: [String: [String]] = [
    "the run, not the file, says what is trained": ["test_training_dropout*", "test_batchnorm_*_training_mode"],
    "second outputs (masks, indices) are not made": ["test_dropout_default_mask*", "test_maxpool_with_argmax*"],
    "only shapes are computed with in integers": [
      "test_max_int32", "test_max_int64", "test_min_int32", "test_min_int64", "test_pow_types_*", "test_reduce_m*_bool_inputs",
    ],
    "places outside the image, given by a region, are not read": ["test_resize_tf_crop_and_resize*"],
    "an image is not made smaller with antialias": ["test_resize_downsample_*_antialias"],
    "corners of a size that was rounded down lie where ONNX Runtime puts them": ["test_resize_downsample_scales_*_align_corners"],
    "the aspect ratio is the file's": ["test_resize_*_not_larger", "test_resize_*_not_smaller"],
    "a bound below the other is refused": ["test_clip_min_greater_than_max"],
    "a last window that starts in the padding": ["test_averagepool_2d_ceil_last_window_starts_on_pad"],
    "how many elements come out depends on numbers": ["test_nonzero_*"],
    "an opset below 7": ["test_not_*"],
    "a shape is no output of a network": ["test_shape*", "test_size*"],
  ]

  static func reason(for test: NodeTest) -> String? {
    exceptions.first { entry in entry.value.contains { fnmatch($0, test.name, 0) == 0 } }?.key
  }
}
