#include "metrics_line.h"

#include <math.h>
#include <stdio.h>

static void number(char text[32], double value, int digits) {
  if (isfinite(value)) {
    snprintf(text, 32, "%.*g", digits, value);
  } else {
    snprintf(text, 32, "null");
  }
}

// A member behind others, or nothing.
static void optional(char text[64], const char *name, double value, int is_there) {
  char digits[32];
  number(digits, value, 9);
  if (is_there) snprintf(text, 64, ",\"%s\":%s", name, digits);
}

size_t qat_metrics_line(
  char *line, size_t capacity, int64_t step, int64_t epoch, double loss, double distillation, int has_distillation, double rate, double top1,
  int has_top1, double images_per_second, double seconds, double exposed_communication_seconds) {
  char losses[32], teachings[64] = "", rates[32], hits[64] = "", speed[32], time[32], exposed[32];
  number(losses, loss, 9);
  number(rates, rate, 9);
  optional(teachings, "distillation", distillation, has_distillation);
  optional(hits, "top1", top1, has_top1);
  number(speed, images_per_second, 6);
  number(time, seconds, 6);
  number(exposed, exposed_communication_seconds, 6);
  const int length = snprintf(
    line, capacity,
    "{\"step\":%lld,\"epoch\":%lld,\"loss\":%s%s,\"lr\":%s%s,\"images_per_second\":%s,\"step_seconds\":%s,"
    "\"exposed_communication_seconds\":%s}\n",
    (long long)step, (long long)epoch, losses, teachings, rates, hits, speed, time, exposed);
  return length > 0 && (size_t)length < capacity ? (size_t)length : 0;
}
