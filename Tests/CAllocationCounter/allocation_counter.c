#define _GNU_SOURCE
#include "allocation_counter.h"
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

// glibc's own entry points behind the public names.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *pointer, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local int is_counting;
static _Thread_local long own, foreign;

static void note(const void *caller) {
  if (!is_counting) return;
  is_counting = 0;
  Dl_info info, self;
  int is_own = dladdr(caller, &info) && dladdr((void *)&allocation_counter_start, &self)
      && (info.dli_fbase == self.dli_fbase || (info.dli_fname && strstr(info.dli_fname, "libswift")) || (info.dli_fname && strstr(info.dli_fname, "Foundation")));
  if (is_own) own++;
  else foreign++;
  is_counting = 1;
}

void *malloc(size_t size) {
  note(__builtin_return_address(0));
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note(__builtin_return_address(0));
  return __libc_calloc(count, size);
}

void *realloc(void *pointer, size_t size) {
  note(__builtin_return_address(0));
  return __libc_realloc(pointer, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note(__builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
  note(__builtin_return_address(0));
  *pointer = __libc_memalign(alignment, size);
  return *pointer ? 0 : 12;
}

void allocation_counter_start(void) {
  own = foreign = 0;
  is_counting = 1;
}

long allocation_counter_stop(void) {
  is_counting = 0;
  return own;
}

long allocation_counter_foreign(void) { return foreign; }
