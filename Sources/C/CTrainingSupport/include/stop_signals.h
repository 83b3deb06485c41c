#pragma once
#include <stdint.h>

// What asks a run to stop; the greater one wins.
enum {
  qat_stop_none = 0,
  qat_stop_terminate = 1, // SIGTERM, SIGUSR1, SIGUSR2, or the process itself
  qat_stop_interrupt = 2, // SIGINT
};

// From now on these signals set a flag instead of ending the process. A second SIGINT or a second SIGTERM ends it at once, with the
// exit code 130 or 143.
void qat_watch_stop_signals(void);

// The default handling again.
void qat_release_stop_signals(void);

// Notes a request, as a signal would. Any thread may call it.
void qat_request_stop(int request);

// What has been asked since the watch began. Cheap: one atomic load.
int qat_requested_stop(void);

// When it was first asked, in nanoseconds of the monotonic clock; 0 when it has not been.
int64_t qat_requested_stop_time(void);

// Forgets what has been asked.
void qat_forget_stop(void);
