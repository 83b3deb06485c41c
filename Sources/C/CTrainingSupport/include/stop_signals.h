#pragma once

// The signals that ask a run to stop.
enum {
  qat_stop_none = 0,
  qat_stop_interrupt = 1, // SIGINT
  qat_stop_terminate = 2, // SIGTERM or SIGUSR1
};

// From now on SIGINT, SIGTERM and SIGUSR1 set a flag instead of ending the process. A second SIGINT or SIGTERM ends it at once.
void qat_watch_stop_signals(void);

// The default handling again.
void qat_release_stop_signals(void);

// What has been asked since the watch began. Cheap: one atomic load.
int qat_requested_stop(void);

// Forgets what has been asked.
void qat_forget_stop(void);
