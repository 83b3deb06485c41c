#pragma once
#include <stdint.h>

// Reserves `count` bytes of disk for an open file, so that a full disk is known before writing. Returns 0, or the system's error number: only a full
// disk or quota, or a broken disk, counts; a file system that cannot reserve has nothing to say.
int qat_reserve(int descriptor, int64_t count);

// Exchanges two paths of one file system in one step. Returns 0, or the system's error number when it cannot.
int qat_exchange(const char *first, const char *second);
