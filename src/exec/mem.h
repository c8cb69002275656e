/*
 * Guest memory: 2^32 bytes in pages of 4096.
 *
 * Regions say what each page is when it is first touched: not accessible, read-only or read-write, and where its bytes
 * come from (a source of shared pages, or zeros). Nothing is done for a page before that first touch. Two tables with
 * a word per page, in address space that is reserved and costs memory only where it is touched, lead from a guest page
 * to host bytes:
 *
 *      guest address a ──► read[a >> 12]  + a      the host byte, if the word is not 0 (words hold host - guest)
 *                     └──► write[a >> 12] + a
 *
 * A page that was only read is the source's own page, shared. The first write makes a private copy, and puts the page
 * on the list of dirtied pages. So the tables are cleared, and the dirtied pages found, without a look at the rest.
 *
 * The two tables are one reservation: write = read + JV_GUEST_PAGES.
 *
 * What was dirtied can be *frozen*: the pages leave the list for a source of their own, which comes before those of the
 * regions and belongs to whoever froze them. They can be shared from then on; the next write to one makes it dirty anew.
 *
 * For native code a memory opens its *window*: the pages that were touched are then copies in one run of address space,
 * at the place that their address says, with the protection that their words say, and every word that is not 0 is the
 * window's start. All that is said above stays true. A window closes again when the memory is reset, when its content is
 * to become pages, or when the system refuses to protect a page.
 */
#ifndef JV_EXEC_MEM_H
#define JV_EXEC_MEM_H

#include "base/obj.h"
#include "exec/ops.h"

#define JV_GUEST_PAGES (1u << 20)

/*
 * Where a region's pages come from: sets *bytes to page `index` of the region (4096 bytes that stay until the memory is
 * reset), or to NULL for zeros. On failure (VALUE_NOT_FOUND, OUT_OF_MEMORY) *missing may be set to what was not there.
 */
typedef javm_status (*jv_page_source_fn)(void *ctx, uint32_t index, const uint8_t **bytes, javm_hash *missing);

typedef struct jv_region {
  uint32_t first_page;
  uint32_t page_count;
  uint8_t access;           /* javm_access */
  bool is_heap;             /* accessible (read-write) below heap_end only */
  jv_page_source_fn source; /* NULL: zeros */
  void *source_ctx;
  uint32_t source_first; /* added to the index given to source */
  uint32_t source_pages; /* pages that the source has; zeros behind them */
} jv_region;

/* The bytes of a guest page that was frozen, until the memory is reset or the page frozen anew; *bytes stays NULL for a page
 * that was not. */
typedef javm_status (*jv_frozen_fn)(void *ctx, uint32_t page, const uint8_t **bytes, javm_hash *missing);

typedef struct jv_dirty_page {
  uint32_t page;  /* guest page number */
  jv_page *bytes; /* private copy, owned by the memory; NULL: it lies in the window */
} jv_dirty_page;

enum { JV_FOLLOWERS_MAX = 3 };

typedef struct jv_mem {
  uintptr_t *read;  /* JV_GUEST_PAGES words: host address - guest address of the page, or 0 */
  uintptr_t *write; /* likewise */
  const javm_allocator *allocator;
  jv_region *regions; /* accessible ones and the heap, by address, disjoint: what a later one covers is cut away */
  size_t region_count, region_capacity;
  uint64_t heap_end;    /* the byte after the heap's last; 0 without a heap */
  uint64_t heap_limit;  /* the heap cannot grow past it; 0 without a heap */
  jv_dirty_page *dirty; /* one for each page written, since the last freeze */
  size_t dirty_count, dirty_capacity;
  jv_dirty_page *host_pages; /* private pages that the guest only reads: poked by the host */
  size_t host_page_count, host_page_capacity;
  jv_frozen_fn frozen; /* NULL: nothing is frozen */
  void *frozen_ctx;
  uint32_t *touched; /* every page with a word in a table, dirty or not */
  size_t touched_count, touched_capacity;
  uint8_t *window;    /* open: the host address of guest address 0; else NULL. Bytes of the lists above are NULL then */
  uint8_t *reserved;  /* address space for a window; NULL: none yet */
  size_t window_cuts; /* places in the window where the protection changes */
  uint32_t cold_gas;  /* what native code has spent since the reset, before a window is worth what it costs */
  uint32_t wraps;     /* accesses over the end that native code met with the window open */
  struct jv_page **spare; /* a stack of pages to use again; shared by the memories of one VM, may be NULL */
  size_t *spare_count;
  size_t spare_capacity;                          /* a reset gives pages back to `spare` up to this many */
  struct jv_mem *followers;                       /* in lockstep: the memories of the other engines; else NULL */
  unsigned follower_count;                        /* of JV_FOLLOWERS_MAX that there is room for */
  uint32_t fault_page;                            /* after a failed access: the first failing page */
  javm_status status;                             /* after a host failure (jv_mem_touch): why */
  javm_hash missing;                              /* for VALUE_NOT_FOUND */
  char failure[sizeof((javm_error *)NULL)->text]; /* for INTERNAL: what is wrong */
} jv_mem;

javm_status jv_mem_init(jv_mem *m, const javm_allocator *allocator);
void jv_mem_free(jv_mem *m);
/* Forgets regions and content, its followers' too, so that the memory can be set up again; cost: the pages that were touched. */
void jv_mem_reset(jv_mem *m);

/* Adds a region above the earlier ones (so a later one wins where they overlap); pages there that were touched already
 * are forgotten. Its pages lie below JV_GUEST_PAGES. Out of memory: nothing has changed. */
javm_status jv_mem_add_region(jv_mem *m, const jv_region *region);
/* The heap, at most one: a region that is open from below up to heap_end (a byte address within). */
javm_status jv_mem_add_heap(jv_mem *m, uint32_t first_page, uint32_t page_count, uint32_t heap_end);
/* 1-machine.md 1.6: the value for φ[D]. */
uint64_t jv_mem_sbrk(jv_mem *m, uint64_t bytes);
/* The regions and the heap of another memory; m is empty. The caller sees to their sources. */
javm_status jv_mem_copy_regions(jv_mem *m, const jv_mem *from);
/* How many pages are accessible now (each page once). */
uint32_t jv_mem_accessible_pages(const jv_mem *m);

typedef enum jv_touch { JV_TOUCH_OK = 0, JV_TOUCH_FAULT = 1, JV_TOUCH_FAILED = 2 } jv_touch;

/* Makes the `size` (at most 2^32) bytes from `address` (wrapping) ready to be read or written: fills the table words.
 * FAULT: fault_page says which page lacks the permission, first in byte order; nothing was dirtied. FAILED: status and
 * missing say why. A write makes the pages dirty. */
jv_touch jv_mem_touch(jv_mem *m, uint32_t address, uint64_t size, bool write);
/* Only the permissions: OK or FAULT; touches nothing. */
jv_touch jv_mem_check(jv_mem *m, uint32_t address, uint64_t size, bool write);

/* As the guest: all or nothing. */
jv_touch jv_mem_read(jv_mem *m, uint32_t address, void *to, size_t size);
jv_touch jv_mem_write(jv_mem *m, uint32_t address, const void *from, size_t size);
/* As the host: to any mapped page; does not count as dirty for a page that the guest cannot write. */
jv_touch jv_mem_poke(jv_mem *m, uint32_t address, const void *from, size_t size);

/* Opens the window; true if it is open already. False: the system has no room for it, and all is as before. */
bool jv_mem_open_window(jv_mem *m);
/* Closes it: what is dirty becomes private pages again. OUT_OF_MEMORY: it is open as before. */
javm_status jv_mem_close_window(jv_mem *m);

/* Freezes what is dirty. The window is closed, and `frozen` gives these very pages (it has counts of its own on them). */
void jv_mem_freeze(jv_mem *m, jv_frozen_fn frozen, void *ctx);

#endif
