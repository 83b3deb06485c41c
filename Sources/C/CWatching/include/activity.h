#pragma once
#include <stdint.h>

// What this process is doing. The working thread writes it, the watchdog's thread and signal handlers read it at any time: every field is one relaxed atomic
// store, a reader may see the fields of two neighbouring moments together.

// Work that takes long enough to be named. `qat_phase_name` has the words.
enum {
  qat_phase_starting,
  qat_phase_opening,
  qat_phase_calibrating,
  qat_phase_compiling,
  qat_phase_reading,
  qat_phase_forward,
  qat_phase_backward,
  qat_phase_exchanging,
  qat_phase_updating,
  qat_phase_evaluating,
  qat_phase_saving,
  qat_phase_exporting,
  qat_phase_ending,
  qat_phase_count,
};

struct qat_activity {
  int64_t step;      // counted from 1; 0 before the first
  int64_t since;     // when it last moved on, by qat_now
  int64_t limit;     // nanoseconds that this phase may last without moving on; 0 for the usual limit
  const char *call;  // the MPI function it is in, NULL outside
  int32_t phase;
};

// Nanoseconds of a clock that never goes back.
int64_t qat_now(void);

const char *qat_phase_name(int phase);

// Another phase begins, which may last `limit` nanoseconds without moving on.
void qat_activity_begin(int phase, int64_t limit);

// Nanoseconds that were spent in a phase, up to the beginning of the present one.
int64_t qat_activity_time(int phase);

// A step begins; its time and that of those before make the median.
void qat_activity_begin_step(int64_t step);

// The phase has moved on: another batch, another layer.
void qat_activity_progress(void);

// Around a call in which this rank may wait for others. `call` lives for ever.
void qat_activity_enter(const char *call, int64_t bytes);
void qat_activity_leave(void);

void qat_activity_read(struct qat_activity *activity);

// Median of the last steps in nanoseconds; 0 before the second step.
int64_t qat_activity_median_step(void);

// One of the calls that `enter` has noted.
struct qat_call {
  const char *name;
  int64_t bytes, step, start;
  int64_t end; // 0 while it lasts
};

// The newest calls, oldest first. Returns their number, at most `capacity`.
int qat_activity_recent_calls(struct qat_call *calls, int capacity);

// Names the calling thread, as tools show it; at most 15 characters. (Foundation's own name may come too early to reach the system.)
void qat_name_thread(const char *name);
