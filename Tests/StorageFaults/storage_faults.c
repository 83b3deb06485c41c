// Makes one call of a program to its file system fail: loaded before the C library (LD_PRELOAD), it counts the calls that change files below one folder.
//
//   STORAGE_FAULTS_FOLDER   the folder's absolute path; calls on other files pass untouched and uncounted, and so does the log of metrics, which the
//                           training thread writes while the checkpoint's thread is at work: numbers stay the same from run to run
//   STORAGE_FAULTS_TRACE    a file: one line a call, its number and name. Appended to
//   STORAGE_FAULTS_CALL     the number of the call that fails, counted from 1
//   STORAGE_FAULTS_ERROR    how: ENOSPC, EDQUOT, EIO, EOPNOTSUPP; SHORT (a write of half the bytes); KILL (the process ends there, as by kill -9);
//                           LOST (the call is done, but EIO is answered, as when a network file system loses the reply)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder, *trace, *error;
static size_t folder_length;
static long target;
static atomic_long calls;

__attribute__((constructor)) static void prepare(void) {
  folder = getenv("STORAGE_FAULTS_FOLDER");
  folder_length = folder ? strlen(folder) : 0;
  trace = getenv("STORAGE_FAULTS_TRACE");
  error = getenv("STORAGE_FAULTS_ERROR");
  const char *call = getenv("STORAGE_FAULTS_CALL");
  target = call ? atol(call) : 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_inside(const char *path) {
  if (folder_length == 0 || !path || strncmp(path, folder, folder_length) != 0) return 0;
  return path[folder_length] == 0 || (path[folder_length] == '/' && strcmp(path + folder_length, "/metrics.jsonl") != 0);
}

static int is_inside_descriptor(int descriptor) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_inside(path);
}

enum verdict { pass, fail, shorten, lose };

// Counts a call, notes it, and says what becomes of it. With `fail` errno is set.
static enum verdict judge(const char *name, const char *path) {
  const long number = atomic_fetch_add(&calls, 1) + 1;
  if (trace) {
    char line[PATH_MAX + 64];
    const int length = snprintf(line, sizeof line, "%ld %s %s\n", number, name, path ? path : "-");
    const int file = REAL(open)(trace, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file >= 0) {
      if (REAL(write)(file, line, (size_t)length) < 0) abort();
      REAL(close)(file);
    }
  }
  if (number != target || !error) return pass;
  if (strcmp(error, "KILL") == 0) raise(SIGKILL);
  if (strcmp(error, "SHORT") == 0) return shorten;
  if (strcmp(error, "LOST") == 0) return lose;
  errno = strcmp(error, "ENOSPC") == 0 ? ENOSPC : strcmp(error, "EDQUOT") == 0 ? EDQUOT : strcmp(error, "EOPNOTSUPP") == 0 ? EOPNOTSUPP : EIO;
  return fail;
}

// A call that is done or not. `done` runs it.
#define JUDGED(name, inside, path, done)                 \
  do {                                                   \
    if (!(inside)) return done;                          \
    const enum verdict verdict = judge(name, path);      \
    if (verdict == fail) return -1;                      \
    if (verdict == lose) { (void)done; errno = EIO; return -1; } \
    return done;                                         \
  } while (0)

static int opened(const char *symbol, int at, const char *path, int flags, mode_t mode) {
  int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, symbol);
  struct stat status;
  // Folders are opened to be flushed; what is opened to be read is no business of ours.
  const int counts = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 || (is_inside(path) && stat(path, &status) == 0 && S_ISDIR(status.st_mode));
  if (counts && is_inside(path)) {
    const enum verdict verdict = judge("open", path);
    if (verdict == fail) return -1;
    if (verdict == lose) {
      const int descriptor = real(at, path, flags, mode);
      if (descriptor >= 0) REAL(close)(descriptor);
      errno = EIO;
      return -1;
    }
  }
  return real(at, path, flags, mode);
}

#define MODE(flags, mode)                           \
  mode_t mode = 0;                                  \
  if ((flags) & (O_CREAT | O_TMPFILE)) {            \
    va_list rest;                                   \
    va_start(rest, flags);                          \
    mode = va_arg(rest, mode_t);                    \
    va_end(rest);                                   \
  }

int open(const char *path, int flags, ...) { MODE(flags, mode) return opened("openat", AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return opened("openat64", AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags, mode) return opened("openat", at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags, mode) return opened("openat64", at, path, flags, mode); }

static ssize_t half(size_t count) { return (ssize_t)(count / 2); }

ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (!is_inside_descriptor(descriptor)) return REAL(write)(descriptor, bytes, count);
  const enum verdict verdict = judge("write", NULL);
  if (verdict == fail) return -1;
  const ssize_t written = REAL(write)(descriptor, bytes, verdict == shorten ? (size_t)half(count) : count);
  if (verdict == lose) return errno = EIO, -1;
  return written;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  if (!is_inside_descriptor(descriptor)) return REAL(pwrite)(descriptor, bytes, count, offset);
  const enum verdict verdict = judge("pwrite", NULL);
  if (verdict == fail) return -1;
  const ssize_t written = REAL(pwrite)(descriptor, bytes, verdict == shorten ? (size_t)half(count) : count, offset);
  if (verdict == lose) return errno = EIO, -1;
  return written;
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t offset) { return pwrite(descriptor, bytes, count, offset); }

int fsync(int descriptor) { JUDGED("fsync", is_inside_descriptor(descriptor), NULL, REAL(fsync)(descriptor)); }
int ftruncate(int descriptor, off_t size) { JUDGED("ftruncate", is_inside_descriptor(descriptor), NULL, REAL(ftruncate)(descriptor, size)); }
int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }
int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  JUDGED("fallocate", is_inside_descriptor(descriptor), NULL, REAL(fallocate)(descriptor, mode, offset, size));
}
int fallocate64(int descriptor, int mode, off_t offset, off_t size) { return fallocate(descriptor, mode, offset, size); }
int rename(const char *from, const char *to) { JUDGED("rename", is_inside(from) || is_inside(to), to, REAL(rename)(from, to)); }
int mkdir(const char *path, mode_t mode) { JUDGED("mkdir", is_inside(path), path, REAL(mkdir)(path, mode)); }
int unlink(const char *path) { JUDGED("unlink", is_inside(path), path, REAL(unlink)(path)); }
int rmdir(const char *path) { JUDGED("rmdir", is_inside(path), path, REAL(rmdir)(path)); }

// A descriptor is closed whatever close answers: an error tells of writes before.
int close(int descriptor) {
  const int inside = (fcntl(descriptor, F_GETFL) & O_ACCMODE) != O_RDONLY && is_inside_descriptor(descriptor);
  const enum verdict verdict = inside ? judge("close", NULL) : pass;
  const int reason = errno, answer = REAL(close)(descriptor);
  if (verdict == pass || verdict == shorten) return answer;
  errno = verdict == lose ? EIO : reason;
  return -1;
}
