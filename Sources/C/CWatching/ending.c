#define _GNU_SOURCE
#include "ending.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// Reads /proc/PID/NAME without allocating, as a forked child of a threaded program must.
static ssize_t read_proc(pid_t pid, const char *name, char *text, size_t capacity) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t count = read(file, text, capacity - 1);
  close(file);
  if (count < 0) return -1;
  text[count] = 0;
  return count;
}

static int is_launcher(pid_t pid) {
  static const char *const names[] = {"mpirun\n", "orterun\n", "mpiexec\n", "mpirun.openmpi\n", "mpiexec.openmpi\n", "orted\n", "prterun\n", "prted\n"};
  char comm[32];
  if (read_proc(pid, "comm", comm, sizeof comm) < 0) return 0;
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    if (strncmp(comm, names[index], strlen(names[index]) < 16 ? strlen(names[index]) : 15) == 0) return 1;
  }
  return 0;
}

pid_t qat_launcher(void) {
  pid_t pid = getppid();
  // A script or a tool may stand between.
  for (int distance = 0; distance < 4 && pid > 1; distance++) {
    if (is_launcher(pid)) return pid;
    char stat[512];
    if (read_proc(pid, "stat", stat, sizeof stat) < 0) return 0;
    const char *after_name = strrchr(stat, ')');
    int parent = 0;
    if (!after_name || sscanf(after_name + 1, " %*c %d", &parent) != 1) return 0;
    pid = parent;
  }
  return 0;
}

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
    if (!is_launcher(launcher)) _exit(0);
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
