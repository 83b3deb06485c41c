#define _GNU_SOURCE
#include "priority.h"

#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void qat_lower_priority(void) {
  const int thread = (int)syscall(SYS_gettid);
  // A third of an equal share: enough that a checkpoint comes to its end on a machine whose processors are all in use.
  setpriority(PRIO_PROCESS, (id_t)thread, 5);
  // ioprio_set has no function in the C library. Best effort (class 2), the lowest of its eight levels; 1 says that a thread is meant.
  syscall(SYS_ioprio_set, 1, thread, 2 << 13 | 7);
}
#else
void qat_lower_priority(void) {}
#endif
