#pragma once
#include <png.h>
#include <string.h>

// Reads the header of a PNG file in memory; 0 when it is none, with the reason in image->message.
static inline int qat_png_begin(png_image *image, const void *bytes, size_t count) {
  memset(image, 0, sizeof *image);
  image->version = PNG_IMAGE_VERSION;
  return png_image_begin_read_from_memory(image, bytes, count);
}

// Decodes into height * width * 4 bytes: red, green, blue, alpha. Frees the image in any case.
static inline int qat_png_finish(png_image *image, void *rgba) {
  image->format = PNG_FORMAT_RGBA;
  return png_image_finish_read(image, NULL, rgba, 0, NULL);
}

static inline const char *qat_png_message(const png_image *image) { return image->message; }
