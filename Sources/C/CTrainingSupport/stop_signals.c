#define _POSIX_C_SOURCE 200809L
#include "stop_signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

// Lock-free, so it may be touched in a handler.
static atomic_int requested;

static void note(int number) {
  if (atomic_load(&requested) != qat_stop_none && number != SIGUSR1) {
    // The user insists: what the signal does by default.
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  atomic_store(&requested, number == SIGINT ? qat_stop_interrupt : qat_stop_terminate);
}

static void handle(void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
}

void qat_watch_stop_signals(void) {
  handle(note);
  // Launchers with threads of their own may pass on a mask that blocks these signals: the run could then be ended by force only.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}
void qat_release_stop_signals(void) { handle(SIG_DFL); }
int qat_requested_stop(void) { return atomic_load(&requested); }
void qat_forget_stop(void) { atomic_store(&requested, qat_stop_none); }
