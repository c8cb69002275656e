/*
 * Address space for a guest's memory: the guest's 2^32 bytes at one place of the host's, with a guard on both sides, all
 * inaccessible at first. What native code accesses directly; mem.c decides what is accessible in it and when.
 */
#ifndef JV_EXEC_WINDOW_H
#define JV_EXEC_WINDOW_H

#include "javm.h"

#define JV_WINDOW_GUARD_BYTES 65536u

/* The host address of the guest's address 0; NULL: no address space, or no such thing on this system. */
uint8_t *jv_window_reserve(void);
void jv_window_release(uint8_t *window);
/* Sets what may be done with pages; false: the system refused, and the pages may be in either state. */
bool jv_window_protect(uint8_t *window, uint32_t first_page, uint32_t page_count, javm_access access);
/* Forgets the content of pages and makes them inaccessible. */
bool jv_window_wipe(uint8_t *window, uint32_t first_page, uint32_t page_count);

#endif
