#define _GNU_SOURCE
#include "activity.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { step_count = 63, call_count = 256 };

static _Atomic int64_t step, since, limit;
static _Atomic(const char *) call;
static _Atomic int32_t phase;

static _Atomic int64_t step_began, step_times[step_count], steps_noted;

static _Atomic int64_t phase_began, phase_times[qat_phase_count];

static struct {
  _Atomic(const char *) name;
  _Atomic int64_t bytes, step, start, end;
} calls[call_count];
static _Atomic int64_t calls_noted;

#define SET(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)

int64_t qat_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

const char *qat_phase_name(int number) {
  static const char *const names[qat_phase_count] = {
      "starting", "opening files", "initialising quantizers", "compiling the network", "waiting for a batch", "forward pass", "backward pass",
      "gradient sum", "update", "evaluation", "writing a checkpoint", "export", "ending"};
  return number >= 0 && number < qat_phase_count ? names[number] : "unknown";
}

void qat_activity_begin(int number, int64_t longest) {
  const int64_t now = qat_now(), began = GET(phase_began);
  const int32_t last = GET(phase);
  if (began > 0) SET(phase_times[last], GET(phase_times[last]) + now - began);
  SET(phase_began, now);
  SET(phase, number);
  SET(limit, longest);
  SET(since, now);
}

int64_t qat_activity_time(int number) { return number >= 0 && number < qat_phase_count ? GET(phase_times[number]) : 0; }

void qat_activity_begin_step(int64_t number) {
  const int64_t now = qat_now(), began = GET(step_began);
  if (number == GET(step) + 1 && began > 0) {
    const int64_t noted = GET(steps_noted);
    SET(step_times[noted % step_count], now - began);
    SET(steps_noted, noted + 1);
  }
  SET(step_began, now);
  SET(step, number);
  SET(since, now);
}

void qat_activity_progress(void) { SET(since, qat_now()); }

void qat_activity_enter(const char *name, int64_t bytes) {
  const int64_t now = qat_now(), index = GET(calls_noted);
  const int slot = (int)(index % call_count);
  SET(calls[slot].name, name);
  SET(calls[slot].bytes, bytes);
  SET(calls[slot].step, GET(step));
  SET(calls[slot].start, now);
  SET(calls[slot].end, 0);
  SET(calls_noted, index + 1);
  SET(call, name);
  SET(since, now);
}

void qat_activity_leave(void) {
  const int64_t now = qat_now();
  SET(calls[(GET(calls_noted) + call_count - 1) % call_count].end, now);
  SET(call, NULL);
  SET(since, now);
}

void qat_activity_read(struct qat_activity *activity) {
  activity->step = GET(step);
  activity->since = GET(since);
  activity->limit = GET(limit);
  activity->call = GET(call);
  activity->phase = GET(phase);
}

static int ascending(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

int64_t qat_activity_median_step(void) {
  int64_t times[step_count];
  const int64_t noted = GET(steps_noted);
  const size_t count = noted < step_count ? (size_t)noted : step_count;
  if (count == 0) return 0;
  for (size_t index = 0; index < count; index++) times[index] = GET(step_times[index]);
  qsort(times, count, sizeof times[0], ascending);
  return times[count / 2];
}

int qat_activity_recent_calls(struct qat_call *recent, int capacity) {
  const int64_t noted = GET(calls_noted);
  int count = noted < capacity ? (int)noted : capacity;
  if (count > call_count) count = call_count;
  for (int index = 0; index < count; index++) {
    const int slot = (int)((noted - count + index) % call_count);
    recent[index].name = GET(calls[slot].name);
    recent[index].bytes = GET(calls[slot].bytes);
    recent[index].step = GET(calls[slot].step);
    recent[index].start = GET(calls[slot].start);
    recent[index].end = GET(calls[slot].end);
  }
  return count;
}

void qat_name_thread(const char *name) {
#ifdef __linux__
  pthread_setname_np(pthread_self(), name);
#else
  (void)name;
#endif
}
