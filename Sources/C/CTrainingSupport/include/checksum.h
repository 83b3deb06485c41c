#pragma once
#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78, as in RFC 3720) of `count` bytes, going on from `previous`; 0 to begin.
uint32_t qat_crc32c(uint32_t previous, const void *bytes, size_t count);

// FNV-1a of `count` bytes, 64 bits, going on from `previous`; 0 to begin with the offset basis.
// Source: Fowler, Noll, Vo, draft-eastlake-fnv.
uint64_t qat_fnv1a(uint64_t previous, const void *bytes, size_t count);

// A 64-bit hash of `count` bytes for comparing large buffers with each other in one run, at the speed of memory: FNV-1a over 64-bit words in eight lanes,
// whose states and the last bytes are then hashed by FNV-1a. Not for files.
uint64_t qat_fast_hash(const void *bytes, size_t count);
