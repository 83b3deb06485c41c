#define _GNU_SOURCE
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

int qat_reserve(int descriptor, int64_t count) {
#ifdef __linux__
  // Not posix_fallocate: where the file system cannot reserve, it writes into every block, which takes minutes over a network.
  if (count <= 0 || fallocate(descriptor, 0, 0, count) == 0) return 0;
  return errno == ENOSPC || errno == EDQUOT || errno == EIO ? errno : 0;
#else
  (void)descriptor, (void)count;
  return 0;
#endif
}

int qat_exchange(const char *first, const char *second) {
#if defined(__linux__) && defined(SYS_renameat2)
  // By number: the C library has a function for it only since glibc 2.28.
  const unsigned exchange = 1u << 1;  // RENAME_EXCHANGE
  return syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, exchange) == 0 ? 0 : errno;
#else
  (void)first, (void)second;
  return ENOSYS;
#endif
}
