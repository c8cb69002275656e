/* Errors are values: a status and, where the caller gave room for it, the detail. */
#ifndef JV_BASE_ERROR_H
#define JV_BASE_ERROR_H

#include "javm.h"

#if defined(__GNUC__)
#define JV_PRINTF(fmt_index, first) __attribute__((format(printf, fmt_index, first)))
#define JV_LIKELY(x) __builtin_expect(!!(x), 1)
#define JV_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define JV_NOINLINE __attribute__((noinline))
#define JV_COLD __attribute__((noinline, cold)) /* rarely called: kept out of the way of its callers */
#else
#define JV_PRINTF(fmt_index, first)
#define JV_LIKELY(x) (x)
#define JV_UNLIKELY(x) (x)
#define JV_NOINLINE
#define JV_COLD
#endif

/* Fills *error (NULL: nothing) and returns status, so that `return jv_fail(...)` reads well. */
javm_status jv_fail(javm_error *error, javm_status status, size_t offset, const char *format, ...) JV_PRINTF(4, 5);
/* A miss: *_NOT_FOUND with the hash. */
javm_status jv_fail_missing(javm_error *error, javm_status status, const javm_hash *hash, const char *what);
javm_status jv_fail_memory(javm_error *error);

#endif
