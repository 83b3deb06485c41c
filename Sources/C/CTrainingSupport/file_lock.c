#define _GNU_SOURCE
#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>

int qat_lock_file(int descriptor) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
#ifdef F_OFD_SETLK
  // Belongs to the open file, not to the process: reading the file elsewhere in the process does not drop it. Works between NFS clients like F_SETLK.
  const int command = F_OFD_SETLK;
#else
  const int command = F_SETLK;
#endif
  return fcntl(descriptor, command, &lock) == 0 ? 0 : errno;
}
