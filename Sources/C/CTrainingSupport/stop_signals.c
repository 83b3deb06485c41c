#define _POSIX_C_SOURCE 200809L
#include "stop_signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };
enum { signal_count = sizeof signals / sizeof signals[0] };

// Lock-free, so they may be touched in a handler.
static atomic_int requested;
static _Atomic int64_t requested_at;
static atomic_int interrupts;
static atomic_int terminations;

void qat_request_stop(int request) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t unset = 0;
  atomic_compare_exchange_strong(&requested_at, &unset, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
  int previous = atomic_load(&requested);
  while (previous < request && !atomic_compare_exchange_weak(&requested, &previous, request)) {}
}

static void note(int number) {
  // Batch systems send a warning first and SIGTERM later: only the same signal again means that the user insists. The code is the one by which shells know the
  // signal, so that whoever started the process sees the same whether the run was still at work or had just stopped with a checkpoint.
  if ((number == SIGINT && atomic_fetch_add(&interrupts, 1) > 0) || (number == SIGTERM && atomic_fetch_add(&terminations, 1) > 0)) {
    _exit(128 + number);
  }
  qat_request_stop(number == SIGINT ? qat_stop_interrupt : qat_stop_terminate);
}

static void handle(void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (size_t index = 0; index < signal_count; index++) sigaction(signals[index], &action, NULL);
}

void qat_watch_stop_signals(void) {
  handle(note);
  // Launchers with threads of their own may pass on a mask that blocks these signals: the run could then be ended by force only.
  sigset_t set;
  sigemptyset(&set);
  for (size_t index = 0; index < signal_count; index++) sigaddset(&set, signals[index]);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

void qat_release_stop_signals(void) { handle(SIG_DFL); }
int qat_requested_stop(void) { return atomic_load(&requested); }
int64_t qat_requested_stop_time(void) { return atomic_load(&requested_at); }

void qat_forget_stop(void) {
  atomic_store(&requested, qat_stop_none);
  atomic_store(&requested_at, 0);
  atomic_store(&interrupts, 0);
  atomic_store(&terminations, 0);
}
