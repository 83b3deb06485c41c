#pragma once
#include <stddef.h>
#include <stdint.h>

// One step's line of metrics.jsonl, newline included, into `line`. Returns its length, or 0 when `capacity` is too small.
// Numbers are written so that reading them back gives the same float; what is not finite is written as null, what is not had is left out. Allocates nothing.
size_t qat_metrics_line(
  char *line, size_t capacity, int64_t step, int64_t epoch, double loss, double distillation, int has_distillation, double rate, double top1,
  int has_top1, double images_per_second, double seconds, double exposed_communication_seconds);
