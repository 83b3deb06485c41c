#define _GNU_SOURCE
#include "ending.h"
#include "launcher.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

// Without the handlers that libraries hang on fork: they may wait for a lock of a thread that is stuck.
static pid_t plain_fork(void) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  return _Fork();
#else
  return fork();
#endif
}

// Runs in a process of its own that outlives this one.
static _Noreturn void kill_launcher(pid_t launcher, int patience) {
  setsid();
  for (int descriptor = 0; descriptor < 1024; descriptor++) close(descriptor);
  for (int tenth = 0; tenth < 10 * patience; tenth++) {
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    if (!qat_is_launcher(launcher)) _exit(0);
  }
  kill(launcher, SIGKILL);
  _exit(0);
}

void qat_flush_output(void) {
  if (ftrylockfile(stdout) != 0) return;
  fflush_unlocked(stdout);
  funlockfile(stdout);
}

void qat_end_process(int exit_code, pid_t launcher, int patience) {
  qat_flush_output();
  if (launcher > 1 && plain_fork() == 0) kill_launcher(launcher, patience);
  _exit(exit_code);
}
