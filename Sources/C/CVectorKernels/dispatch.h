// One source, several CPUs: the loader picks the clone. Contraction to fused multiply-add is off so that all clones compute the same bits.
#pragma once
#if defined(QAT_INSTRUCTION_SET)
#define QAT_CLONES __attribute__((target("arch=" QAT_INSTRUCTION_SET)))
#elif defined(__x86_64__) && defined(__linux__)
#define QAT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define QAT_CLONES
#endif
#pragma STDC FP_CONTRACT OFF

// What is compiled anew as a part of each clone.
#define INLINE static inline __attribute__((always_inline))
