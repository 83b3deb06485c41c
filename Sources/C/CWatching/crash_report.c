#define _POSIX_C_SOURCE 200809L
#include "crash_report.h"
#include "activity.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct {
  int number;
  const char *words;
} faults[] = {
    {SIGILL, "SIGILL: a check of the program failed (its message stands above) or the processor lacks an instruction"},
    {SIGTRAP, "SIGTRAP: a check of the program failed (its message stands above)"},
    {SIGSEGV, "SIGSEGV: an address that is not mapped"},
    {SIGBUS, "SIGBUS: memory that is not there, such as a mapped file that became shorter"},
    {SIGFPE, "SIGFPE: an impossible division"},
    {SIGABRT, "SIGABRT: a library gave up"},
};
enum { fault_count = sizeof faults / sizeof faults[0] };

static struct sigaction before[fault_count];
static char prefix[160];

// Only functions that a signal handler may call.
static void append(char *line, size_t capacity, size_t *length, const char *text) {
  while (*text && *length < capacity) line[(*length)++] = *text++;
}

static void append_number(char *line, size_t capacity, size_t *length, int64_t number) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0 && count < 20);
  while (count > 0 && *length < capacity) line[(*length)++] = digits[--count];
}

static void report(int number) {
  char line[512];
  size_t length = 0;
  struct qat_activity activity;
  qat_activity_read(&activity);
  int index = 0;
  while (index < fault_count - 1 && faults[index].number != number) index++;
  append(line, sizeof line - 1, &length, prefix);
  if (activity.step > 0) {
    append(line, sizeof line - 1, &length, "step ");
    append_number(line, sizeof line - 1, &length, activity.step);
    append(line, sizeof line - 1, &length, ", ");
  }
  append(line, sizeof line - 1, &length, qat_phase_name(activity.phase));
  append(line, sizeof line - 1, &length, ": crashed with ");
  append(line, sizeof line - 1, &length, faults[index].words);
  line[length++] = '\n';
  const ssize_t written = write(STDERR_FILENO, line, length);
  (void)written;
  sigaction(number, &before[index], NULL);
  raise(number); // delivered when this handler returns
}

void qat_report_crashes(const char *who) {
  strncpy(prefix, who, sizeof prefix - 1);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = report;
  sigemptyset(&action.sa_mask);
  for (int index = 0; index < fault_count; index++) sigaction(faults[index].number, &action, &before[index]);
}
