#pragma once
#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78, as in RFC 3720) of `count` bytes, going on from `previous`; 0 to begin.
uint32_t qat_crc32c(uint32_t previous, const void *bytes, size_t count);

// FNV-1a of `count` bytes, 64 bits, going on from `previous`; 0 to begin with the offset basis.
// Source: Fowler, Noll, Vo, draft-eastlake-fnv.
uint64_t qat_fnv1a(uint64_t previous, const void *bytes, size_t count);
