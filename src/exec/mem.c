/* See mem.h. Slow paths only: what the engines do for every access is a table word and an addition. */
#include "exec/mem.h"

#include "exec/window.h"

#include <assert.h>
#include <string.h>

static_assert(JV_GUEST_PAGES * (uint64_t)JAVM_PAGE_BYTES == UINT64_C(1) << 32, "the tables cover the guest's memory");

static const _Alignas(16) uint8_t zero_page[JAVM_PAGE_BYTES];

javm_status jv_mem_init(jv_mem *m, const javm_allocator *allocator) {
  memset(m, 0, sizeof *m);
  m->allocator = allocator;
  m->read = jv_reserve(allocator, 2 * JV_GUEST_PAGES * sizeof *m->read);
  if (!m->read) return JAVM_OUT_OF_MEMORY;
  m->write = m->read + JV_GUEST_PAGES;
  return JAVM_OK;
}

static void give_back(jv_mem *m, jv_page *page) {
  if (!page) return;
  if (m->spare && *m->spare_count < m->spare_capacity && jv_obj_unique(&page->obj))
    m->spare[(*m->spare_count)++] = page;
  else jv_page_release(m->allocator, page);
}

/* Makes the window's address space what it was when it was reserved, or gives it up. */
static void wipe_window(jv_mem *m) {
  if (!m->window) return;
  bool is_as_reserved = m->touched_count == 0 && m->window_cuts == 0;
  m->window = NULL;
  m->window_cuts = 0;
  if (is_as_reserved || jv_window_wipe(m->reserved, 0, JV_GUEST_PAGES)) return;
  jv_window_release(m->reserved);
  m->reserved = NULL;
}

void jv_mem_reset(jv_mem *m) {
  wipe_window(m);
  for (size_t i = 0; i < m->touched_count; i++) m->read[m->touched[i]] = m->write[m->touched[i]] = 0;
  for (size_t i = 0; i < m->dirty_count; i++) give_back(m, m->dirty[i].bytes);
  for (size_t i = 0; i < m->host_page_count; i++) give_back(m, m->host_pages[i].bytes);
  m->touched_count = m->dirty_count = m->host_page_count = m->region_count = 0;
  m->heap_end = m->heap_limit = 0;
  m->frozen = NULL;
  m->fault_page = 0;
  m->cold_gas = m->wraps = 0;
  m->status = JAVM_OK;
  m->failure[0] = '\0';
  for (unsigned k = 0; k < m->follower_count; k++) jv_mem_reset(&m->followers[k]);
}

void jv_mem_free(jv_mem *m) {
  if (!m->read) return;
  jv_mem_reset(m);
  const javm_allocator *a = m->allocator;
  for (unsigned k = 0; k < m->follower_count; k++) jv_mem_free(&m->followers[k]);
  jv_free(a, m->followers, JV_FOLLOWERS_MAX * sizeof *m->followers);
  jv_window_release(m->reserved);
  jv_free(a, m->regions, m->region_capacity * sizeof *m->regions);
  jv_free(a, m->dirty, m->dirty_capacity * sizeof *m->dirty);
  jv_free(a, m->host_pages, m->host_page_capacity * sizeof *m->host_pages);
  jv_free(a, m->touched, m->touched_capacity * sizeof *m->touched);
  jv_unreserve(a, m->read, 2 * JV_GUEST_PAGES * sizeof *m->read);
  memset(m, 0, sizeof *m);
}

/* ------------------------------------------------------------------------------------------------- regions */

static uint32_t region_end(const jv_region *r) { return r->first_page + r->page_count; }

/* The index of the first region that ends behind the page. */
static size_t region_from(const jv_mem *m, uint32_t page) {
  size_t low = 0, high = m->region_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (region_end(&m->regions[middle]) <= page) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* How many of a region's pages the guest can access, from the first. */
static uint32_t open_pages(const jv_mem *m, const jv_region *r) {
  if (!r->is_heap) return r->page_count;
  uint64_t end = (m->heap_end + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES;
  if (end <= r->first_page) return 0;
  return end - r->first_page < r->page_count ? (uint32_t)(end - r->first_page) : r->page_count;
}

/* The region of a page that is accessible for reading (writing), or NULL. */
static const jv_region *accessible(const jv_mem *m, uint32_t page, bool write) {
  size_t i = region_from(m, page);
  if (i == m->region_count) return NULL;
  const jv_region *r = &m->regions[i];
  if (page < r->first_page || page - r->first_page >= open_pages(m, r)) return NULL;
  return !write || r->access == JAVM_ACCESS_WRITE ? r : NULL;
}

static void drop_front(jv_region *r, uint32_t pages) {
  r->first_page += pages;
  r->page_count -= pages;
  r->source_first += pages;
  r->source_pages = r->source_pages > pages ? r->source_pages - pages : 0;
}

static void forget_pages(jv_mem *m, jv_dirty_page *list, size_t *count, uint32_t first, uint32_t end) {
  size_t kept = 0;
  for (size_t i = 0; i < *count; i++) {
    if (list[i].page >= first && list[i].page < end) give_back(m, list[i].bytes);
    else list[kept++] = list[i];
  }
  *count = kept;
}

static javm_status forget_touched(jv_mem *m, uint32_t first, uint32_t end) {
  if (m->window && (m->window_cuts += 2, !jv_window_wipe(m->window, first, end - first))) {
    javm_status status = jv_mem_close_window(m);
    if (status != JAVM_OK) return status;
  }
  forget_pages(m, m->dirty, &m->dirty_count, first, end);
  forget_pages(m, m->host_pages, &m->host_page_count, first, end);
  size_t kept = 0;
  for (size_t i = 0; i < m->touched_count; i++) {
    uint32_t page = m->touched[i];
    if (page >= first && page < end) m->read[page] = m->write[page] = 0;
    else m->touched[kept++] = page;
  }
  m->touched_count = kept;
  return JAVM_OK;
}

javm_status jv_mem_add_region(jv_mem *m, const jv_region *region) {
  uint32_t first = region->first_page, end = region_end(region);
  if (region->page_count > JV_GUEST_PAGES || first > JV_GUEST_PAGES - region->page_count) return JAVM_INVALID_ARGUMENT;
  if (region->page_count == 0) return JAVM_OK;
  if (!jv_grow(m->allocator, &m->regions, &m->region_capacity, m->region_count + 2, sizeof *m->regions))
    return JAVM_OUT_OF_MEMORY;
  if (forget_touched(m, first, end) != JAVM_OK) return JAVM_OUT_OF_MEMORY;

  /* The regions [from, to) overlap the new one; of the outer two, the parts outside it stay. */
  size_t from = region_from(m, first), to = from;
  jv_region parts[3];
  size_t part_count = 0;
  while (to < m->region_count && m->regions[to].first_page < end) to++;
  if (from < to && m->regions[from].first_page < first) {
    parts[part_count] = m->regions[from];
    parts[part_count++].page_count = first - m->regions[from].first_page;
  }
  if (region->access != JAVM_ACCESS_NONE) parts[part_count++] = *region;
  if (from < to && region_end(&m->regions[to - 1]) > end) {
    parts[part_count] = m->regions[to - 1];
    drop_front(&parts[part_count++], end - m->regions[to - 1].first_page);
  }
  memmove(m->regions + from + part_count, m->regions + to, (m->region_count - to) * sizeof *m->regions);
  memcpy(m->regions + from, parts, part_count * sizeof *parts);
  m->region_count += part_count;
  m->region_count -= to - from;
  return JAVM_OK;
}

javm_status jv_mem_add_heap(jv_mem *m, uint32_t first_page, uint32_t page_count, uint32_t heap_end) {
  uint64_t start = (uint64_t)first_page * JAVM_PAGE_BYTES, limit = start + (uint64_t)page_count * JAVM_PAGE_BYTES;
  if (heap_end < start || heap_end > limit) return JAVM_INVALID_ARGUMENT;
  jv_region heap = {.first_page = first_page, .page_count = page_count, .access = JAVM_ACCESS_WRITE, .is_heap = true};
  javm_status status = jv_mem_add_region(m, &heap);
  if (status != JAVM_OK) return status;
  m->heap_end = heap_end;
  m->heap_limit = limit;
  return JAVM_OK;
}

uint64_t jv_mem_sbrk(jv_mem *m, uint64_t bytes) {
  if (bytes > m->heap_limit - m->heap_end) return 0;
  uint64_t old = m->heap_end;
  m->heap_end += bytes;
  return old;
}

javm_status jv_mem_copy_regions(jv_mem *m, const jv_mem *from) {
  if (!jv_grow(m->allocator, &m->regions, &m->region_capacity, from->region_count, sizeof *m->regions))
    return JAVM_OUT_OF_MEMORY;
  if (from->region_count) memcpy(m->regions, from->regions, from->region_count * sizeof *m->regions);
  m->region_count = from->region_count;
  m->heap_end = from->heap_end;
  m->heap_limit = from->heap_limit;
  return JAVM_OK;
}

uint32_t jv_mem_accessible_pages(const jv_mem *m) {
  uint32_t count = 0;
  for (size_t i = 0; i < m->region_count; i++) count += open_pages(m, &m->regions[i]);
  return count;
}

/* --------------------------------------------------------------------------------------------------- pages */

static uintptr_t word_of(uint32_t page, const uint8_t *bytes) {
  return (uintptr_t)bytes - (uintptr_t)page * JAVM_PAGE_BYTES;
}

static const uint8_t *bytes_of(uintptr_t word, uint32_t page) {
  return (const uint8_t *)(word + (uintptr_t)page * JAVM_PAGE_BYTES);
}

static jv_touch failed(jv_mem *m, javm_status status) {
  m->status = status;
  return JV_TOUCH_FAILED;
}

/* A private page, with uninitialised bytes, for the guest page: one whose word is not 0. */
static jv_page *new_page(jv_mem *m, uint32_t page) {
  jv_page *p;
  if (m->spare && *m->spare_count) {
    p = m->spare[--*m->spare_count];
    jv_obj_init(&p->obj, JV_OBJ_PAGE);
  } else {
    p = jv_page_new(m->allocator);
  }
  if (!p || word_of(page, p->bytes) != 0) return p;
  jv_page *other = jv_page_new(m->allocator);
  jv_page_release(m->allocator, p);
  return other;
}

static void set_words(jv_mem *m, uint32_t page, uintptr_t read, uintptr_t write) {
  if (!m->read[page]) m->touched[m->touched_count++] = page;
  m->read[page] = read;
  m->write[page] = write;
}

/* The bytes that an untouched page has: those that were frozen, else the source's, else NULL. */
static javm_status source_bytes(const jv_mem *m, const jv_region *r, uint32_t page, const uint8_t **bytes,
                                javm_hash *missing) {
  *bytes = NULL;
  if (m->frozen) {
    javm_status status = m->frozen(m->frozen_ctx, page, bytes, missing);
    if (status != JAVM_OK || *bytes) return status;
  }
  uint32_t index = page - r->first_page;
  if (!r->source || index >= r->source_pages) return JAVM_OK;
  return r->source(r->source_ctx, r->source_first + index, bytes, missing);
}

/* The bytes that the page has now: those that its read word leads to, else the source's. */
static jv_touch current_bytes(jv_mem *m, const jv_region *r, uint32_t page, const uint8_t **bytes) {
  if (m->read[page]) {
    *bytes = bytes_of(m->read[page], page);
    return JV_TOUCH_OK;
  }
  javm_status status = source_bytes(m, r, page, bytes, &m->missing);
  if (status != JAVM_OK) return failed(m, status);
  if (!*bytes) *bytes = zero_page;
  return JV_TOUCH_OK;
}

static unsigned protection(const jv_mem *m, uint32_t page) {
  return page >= JV_GUEST_PAGES || !m->read[page] ? JAVM_ACCESS_NONE
         : m->write[page]                         ? JAVM_ACCESS_WRITE
                                                  : JAVM_ACCESS_READ;
}

/* What the page contributes to window_cuts: the system has a limit for all windows of the process together. */
static size_t cuts_at(const jv_mem *m, uint32_t page) {
  unsigned own = protection(m, page);
  return (own != protection(m, page - 1)) + (own != protection(m, page + 1));
}

#define WINDOW_CUTS_MAX 8192

static void set_window_words(jv_mem *m, uint32_t page, javm_access access) {
  uintptr_t word = (uintptr_t)m->window;
  m->window_cuts -= cuts_at(m, page);
  set_words(m, page, word, access == JAVM_ACCESS_WRITE ? word : 0);
  m->window_cuts += cuts_at(m, page);
}

/* Puts these bytes (NULL: they are there) at a page of the window, with its protection. False: the system refused. */
static bool put_in(jv_mem *m, uint32_t page, const uint8_t *bytes, javm_access access) {
  bool copies = bytes && bytes != zero_page;
  if ((copies || access == JAVM_ACCESS_WRITE) && !jv_window_protect(m->window, page, 1, JAVM_ACCESS_WRITE))
    return false;
  if (copies) memcpy(m->window + (size_t)page * JAVM_PAGE_BYTES, bytes, JAVM_PAGE_BYTES);
  return access == JAVM_ACCESS_WRITE || jv_window_protect(m->window, page, 1, access);
}

/* Likewise, and sets the page's words. */
static bool window_page(jv_mem *m, uint32_t page, const uint8_t *bytes, javm_access access) {
  if (m->window_cuts >= WINDOW_CUTS_MAX) return false;
  if (!put_in(m, page, bytes, access)) {
    m->window_cuts += 2; /* what was done of it is there, whatever the words say */
    return false;
  }
  set_window_words(m, page, access);
  return true;
}

/* Closes the window because the system refused; false, and FAILED, if that can't be. */
static bool close_for(jv_mem *m) {
  javm_status status = jv_mem_close_window(m);
  if (status != JAVM_OK) failed(m, status);
  return status == JAVM_OK;
}

/* Gives the page a private copy on one of the two lists, and sets the words. */
static jv_touch make_private(jv_mem *m, const jv_region *r, uint32_t page, bool dirty) {
  if (!(dirty ? jv_grow(m->allocator, &m->dirty, &m->dirty_capacity, m->dirty_count + 1, sizeof *m->dirty)
              : jv_grow(m->allocator, &m->host_pages, &m->host_page_capacity, m->host_page_count + 1,
                        sizeof *m->host_pages)) ||
      !jv_grow(m->allocator, &m->touched, &m->touched_capacity, m->touched_count + 1, sizeof *m->touched))
    return failed(m, JAVM_OUT_OF_MEMORY);
  const uint8_t *bytes;
  if (current_bytes(m, r, page, &bytes) != JV_TOUCH_OK) return JV_TOUCH_FAILED;
  if (m->window) {
    if (!window_page(m, page, m->read[page] ? NULL : bytes, dirty ? JAVM_ACCESS_WRITE : JAVM_ACCESS_READ))
      return close_for(m) ? make_private(m, r, page, dirty) : JV_TOUCH_FAILED;
    if (dirty) m->dirty[m->dirty_count++] = (jv_dirty_page){page, NULL};
    else m->host_pages[m->host_page_count++] = (jv_dirty_page){page, NULL};
    return JV_TOUCH_OK;
  }
  jv_page *copy = new_page(m, page);
  if (!copy) return failed(m, JAVM_OUT_OF_MEMORY);
  memcpy(copy->bytes, bytes, JAVM_PAGE_BYTES);
  uintptr_t word = word_of(page, copy->bytes);
  if (dirty) m->dirty[m->dirty_count++] = (jv_dirty_page){page, copy};
  else m->host_pages[m->host_page_count++] = (jv_dirty_page){page, copy};
  set_words(m, page, word, dirty ? word : 0);
  return JV_TOUCH_OK;
}

enum { READ_AROUND = 16 };

/* A page that nobody asked for: its bytes, if it can be made readable together with a neighbour; else NULL. */
static const uint8_t *neighbour(jv_mem *m, const jv_region *r, uint32_t page) {
  const uint8_t *bytes;
  if (page < r->first_page || page - r->first_page >= open_pages(m, r) || m->read[page]) return NULL;
  if (source_bytes(m, r, page, &bytes, &(javm_hash){0}) != JAVM_OK) return NULL;
  return bytes ? bytes : zero_page;
}

/* Makes a page of the open window readable, and those around it that it costs little to add: native code that reads one
 * often reads the next, and each that is not ready costs a signal. False: the system refused. */
static bool read_around(jv_mem *m, const jv_region *r, uint32_t page, const uint8_t *own) {
  const uint8_t *bytes[READ_AROUND];
  uint32_t group = page - page % READ_AROUND, first = page, end = page + 1, at = page - group;
  bytes[at] = own;
  while (first > group && (bytes[first - 1 - group] = neighbour(m, r, first - 1)) != NULL) first--;
  while (end < group + READ_AROUND && (bytes[end - group] = neighbour(m, r, end)) != NULL) end++;
  bool copies = false, done = true;
  for (uint32_t p = first; p < end; p++) copies |= bytes[p - group] != zero_page;
  if (m->window_cuts >= WINDOW_CUTS_MAX) return false;
  if (copies) done = jv_window_protect(m->window, first, end - first, JAVM_ACCESS_WRITE);
  for (uint32_t p = first; done && p < end; p++)
    if (bytes[p - group] != zero_page)
      memcpy(m->window + (size_t)p * JAVM_PAGE_BYTES, bytes[p - group], JAVM_PAGE_BYTES);
  if (!done || !jv_window_protect(m->window, first, end - first, JAVM_ACCESS_READ)) {
    m->window_cuts += 2; /* as in window_page */
    return false;
  }
  for (uint32_t p = first; p < end; p++) set_window_words(m, p, JAVM_ACCESS_READ);
  return true;
}

static jv_touch make_readable(jv_mem *m, const jv_region *r, uint32_t page) {
  if (!jv_grow(m->allocator, &m->touched, &m->touched_capacity, m->touched_count + READ_AROUND, sizeof *m->touched))
    return failed(m, JAVM_OUT_OF_MEMORY);
  const uint8_t *bytes;
  if (current_bytes(m, r, page, &bytes) != JV_TOUCH_OK) return JV_TOUCH_FAILED;
  if (m->window) {
    if (read_around(m, r, page, bytes)) return JV_TOUCH_OK;
    return close_for(m) ? make_readable(m, r, page) : JV_TOUCH_FAILED;
  }
  uintptr_t word = word_of(page, bytes);
  if (word == 0) return make_private(m, r, page, false);
  set_words(m, page, word, 0);
  return JV_TOUCH_OK;
}

static bool is_host_page(const jv_mem *m, uint32_t page) {
  if (!m->read[page]) return false;
  for (size_t i = m->host_page_count; i-- > 0;)
    if (m->host_pages[i].page == page) return true;
  return false;
}

/* What the caller wants to do with a page; POKE: write as the host. */
typedef enum purpose { TO_READ, TO_WRITE, TO_POKE } purpose;

static jv_touch prepare(jv_mem *m, uint32_t page, purpose what) {
  if (what == TO_READ ? m->read[page] != 0 : m->write[page] != 0) return JV_TOUCH_OK;
  const jv_region *r = accessible(m, page, what == TO_WRITE);
  if (what == TO_READ) return make_readable(m, r, page);
  if (r->access == JAVM_ACCESS_WRITE) return make_private(m, r, page, true);
  return is_host_page(m, page) ? JV_TOUCH_OK : make_private(m, r, page, false);
}

/* Undoes the pages that a failed call had made dirty: their content is still the source's. (A page may stand on the
 * list of touched ones twice then; that does no harm.) One that the system leaves writable in the window stays dirty. */
static void undo_dirty(jv_mem *m, size_t dirty_count) {
  size_t kept = dirty_count;
  for (size_t i = dirty_count; i < m->dirty_count; i++) {
    jv_dirty_page *d = &m->dirty[i];
    if (m->window && !jv_window_protect(m->window, d->page, 1, JAVM_ACCESS_NONE)) {
      m->dirty[kept++] = *d;
      continue;
    }
    if (m->window) m->window_cuts += 2;
    m->read[d->page] = m->write[d->page] = 0;
    give_back(m, d->bytes);
  }
  m->dirty_count = kept;
}

static uint32_t pages_of(uint32_t address, uint64_t size) {
  return size ? (uint32_t)((address % JAVM_PAGE_BYTES + size + JAVM_PAGE_BYTES - 1) / JAVM_PAGE_BYTES) : 0;
}

static jv_touch check(jv_mem *m, uint32_t address, uint64_t size, purpose what) {
  uint32_t first = address / JAVM_PAGE_BYTES, count = pages_of(address, size);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t page = (first + i) % JV_GUEST_PAGES;
    if (what == TO_READ ? m->read[page] != 0 : m->write[page] != 0) continue;
    if (!accessible(m, page, what == TO_WRITE)) {
      m->fault_page = page;
      return JV_TOUCH_FAULT;
    }
  }
  return JV_TOUCH_OK;
}

jv_touch jv_mem_check(jv_mem *m, uint32_t address, uint64_t size, bool write) {
  return check(m, address, size, write ? TO_WRITE : TO_READ);
}

static jv_touch touch(jv_mem *m, uint32_t address, uint64_t size, purpose what) {
  uint32_t first = address / JAVM_PAGE_BYTES, count = pages_of(address, size);
  if (check(m, address, size, what) != JV_TOUCH_OK) return JV_TOUCH_FAULT;
  size_t dirty_before = m->dirty_count;
  for (uint32_t i = 0; i < count; i++) {
    if (prepare(m, (first + i) % JV_GUEST_PAGES, what) != JV_TOUCH_OK) {
      undo_dirty(m, dirty_before);
      return JV_TOUCH_FAILED;
    }
  }
  return JV_TOUCH_OK;
}

jv_touch jv_mem_touch(jv_mem *m, uint32_t address, uint64_t size, bool write) {
  return touch(m, address, size, write ? TO_WRITE : TO_READ);
}

/* -------------------------------------------------------------------------------------------------- copies */

/* The host bytes at an address that was touched, and how many lie in that page. The page is readable; where the caller
 * writes, touch() has made it private. */
static uint8_t *span(const jv_mem *m, uint32_t address, size_t size, size_t *bytes) {
  size_t left = JAVM_PAGE_BYTES - address % JAVM_PAGE_BYTES;
  *bytes = size < left ? size : left;
  return (uint8_t *)(m->read[address / JAVM_PAGE_BYTES] + address);
}

/* In the window, pages that the guest cannot write are opened for the host one at a time. False: the system refused. */
static bool copy_in(jv_mem *m, uint32_t address, const uint8_t *from, size_t size) {
  while (size) {
    size_t n;
    uint8_t *to = span(m, address, size, &n);
    uint32_t page = address / JAVM_PAGE_BYTES;
    bool opens = m->window && !m->write[page];
    if (opens && !jv_window_protect(m->window, page, 1, JAVM_ACCESS_WRITE)) return false;
    memcpy(to, from, n);
    if (opens && !jv_window_protect(m->window, page, 1, JAVM_ACCESS_READ)) return false;
    address += (uint32_t)n;
    from += n;
    size -= n;
  }
  return true;
}

jv_touch jv_mem_read(jv_mem *m, uint32_t address, void *to, size_t size) {
  jv_touch result = touch(m, address, size, TO_READ);
  if (result != JV_TOUCH_OK) return result;
  for (uint8_t *out = to; size;) {
    size_t n;
    const uint8_t *from = span(m, address, size, &n);
    memcpy(out, from, n);
    address += (uint32_t)n;
    out += n;
    size -= n;
  }
  return JV_TOUCH_OK;
}

jv_touch jv_mem_write(jv_mem *m, uint32_t address, const void *from, size_t size) {
  jv_touch result = touch(m, address, size, TO_WRITE);
  if (result == JV_TOUCH_OK) copy_in(m, address, from, size); /* writes what the guest can write: no refusal */
  return result;
}

jv_touch jv_mem_poke(jv_mem *m, uint32_t address, const void *from, size_t size) {
  jv_touch result = touch(m, address, size, TO_POKE);
  if (result != JV_TOUCH_OK || copy_in(m, address, from, size)) return result;
  return close_for(m) ? jv_mem_poke(m, address, from, size) : JV_TOUCH_FAILED;
}

/* --------------------------------------------------------------------------------------------------- window */

/* The bytes of touched pages i to end - 1, which follow each other, go from the tables' places to the window. */
static bool move_in(jv_mem *m, size_t i, size_t end) {
  uint32_t first = m->touched[i], count = (uint32_t)(end - i);
  if (!jv_window_protect(m->reserved, first, count, JAVM_ACCESS_WRITE)) return false;
  for (; i < end; i++) {
    uint32_t page = m->touched[i];
    const uint8_t *bytes = bytes_of(m->read[page], page);
    if (bytes != zero_page) memcpy(m->reserved + (size_t)page * JAVM_PAGE_BYTES, bytes, JAVM_PAGE_BYTES);
  }
  return m->write[first] || jv_window_protect(m->reserved, first, count, JAVM_ACCESS_READ);
}

/* All of them, in runs of pages that follow each other and have the same access. */
static bool move_all_in(jv_mem *m) {
  for (size_t i = 0, end; i < m->touched_count; i = end) {
    uint32_t page = m->touched[i];
    end = i + 1;
    if (!m->read[page]) continue;
    while (end < m->touched_count && m->touched[end] == page + (end - i) && m->read[m->touched[end]] &&
           !m->write[m->touched[end]] == !m->write[page])
      end++;
    if (!move_in(m, i, end)) return false;
  }
  return true;
}

static void give_back_list(jv_mem *m, jv_dirty_page *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    give_back(m, list[i].bytes);
    list[i].bytes = NULL;
  }
}

bool jv_mem_open_window(jv_mem *m) {
  if (m->window) return true;
  if (m->touched_count > WINDOW_CUTS_MAX / 2) return false;
  if (!m->reserved) m->reserved = jv_window_reserve();
  if (!m->reserved) return false;
  if (!move_all_in(m)) {
    jv_window_release(m->reserved);
    m->reserved = NULL;
    return false;
  }
  m->window = m->reserved;
  m->window_cuts = 2 * m->touched_count;
  for (size_t i = 0; i < m->touched_count; i++) {
    uint32_t page = m->touched[i];
    if (m->read[page]) m->read[page] = (uintptr_t)m->window;
    if (m->write[page]) m->write[page] = (uintptr_t)m->window;
  }
  give_back_list(m, m->dirty, m->dirty_count);
  give_back_list(m, m->host_pages, m->host_page_count);
  return true;
}

/* Private pages for a list; false: out of memory, and there are none. */
static bool copy_list(jv_mem *m, jv_dirty_page *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    list[i].bytes = new_page(m, list[i].page);
    if (!list[i].bytes) {
      give_back_list(m, list, i);
      return false;
    }
    memcpy(list[i].bytes->bytes, m->window + (size_t)list[i].page * JAVM_PAGE_BYTES, JAVM_PAGE_BYTES);
  }
  return true;
}

javm_status jv_mem_close_window(jv_mem *m) {
  if (!m->window) return JAVM_OK;
  if (!copy_list(m, m->dirty, m->dirty_count)) return JAVM_OUT_OF_MEMORY;
  if (!copy_list(m, m->host_pages, m->host_page_count)) {
    give_back_list(m, m->dirty, m->dirty_count);
    return JAVM_OUT_OF_MEMORY;
  }
  wipe_window(m);
  for (size_t i = 0; i < m->touched_count; i++) m->read[m->touched[i]] = m->write[m->touched[i]] = 0;
  m->touched_count = 0;
  /* Room for these on the list of touched pages is there: each was on it. */
  for (size_t i = 0; i < m->host_page_count; i++)
    set_words(m, m->host_pages[i].page, word_of(m->host_pages[i].page, m->host_pages[i].bytes->bytes), 0);
  for (size_t i = 0; i < m->dirty_count; i++) {
    uintptr_t word = word_of(m->dirty[i].page, m->dirty[i].bytes->bytes);
    set_words(m, m->dirty[i].page, word, word);
  }
  return JAVM_OK;
}

/* ------------------------------------------------------------------------------------------------------ freeze */

void jv_mem_freeze(jv_mem *m, jv_frozen_fn frozen, void *ctx) {
  m->frozen = frozen;
  m->frozen_ctx = ctx;
  for (size_t i = 0; i < m->dirty_count; i++) {
    m->write[m->dirty[i].page] = 0; /* reads go on where they were: the page is the source's now */
    jv_page_release(m->allocator, m->dirty[i].bytes);
  }
  m->dirty_count = 0;
  for (unsigned k = 0; k < m->follower_count; k++) jv_mem_reset(&m->followers[k]); /* they see what was frozen, not their own */
}
