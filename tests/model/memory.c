/* The memory of an entry: regions, pages, the heap. */
#include <string.h>

#include "model/world.h"

const m_region *m_region_of(const m_memory *m, uint32_t page) {
  for (size_t i = m->region_count; i-- > 0;)
    if (page >= m->regions[i].first && page - m->regions[i].first < m->regions[i].count) return &m->regions[i];
  return NULL;
}

javm_access m_access_of(const m_memory *m, uint32_t page) {
  const m_region *r = m_region_of(m, page);
  if (!r) return JAVM_ACCESS_NONE;
  if (r->is_heap) return (uint64_t)page * M_PAGE < m->heap_end ? JAVM_ACCESS_WRITE : JAVM_ACCESS_NONE;
  return r->access;
}

bool m_may(const m_memory *m, uint32_t address, uint64_t size, bool write, uint32_t *fault) {
  for (uint64_t at = 0; at < size;) {
    uint32_t here = (uint32_t)(address + at);
    javm_access access = m_access_of(m, here / M_PAGE);
    *fault = here / M_PAGE * M_PAGE;
    if (access == JAVM_ACCESS_NONE || (write && access != JAVM_ACCESS_WRITE)) return false;
    at += M_PAGE - here % M_PAGE;
  }
  return true;
}

const m_page *m_page_at(const m_memory *m, uint32_t page) {
  for (size_t i = 0; i < m->dirty_count; i++)
    if (m->dirty[i].page == page) return m->dirty[i].bytes;
  const m_region *r = m_region_of(m, page);
  return r && page - r->first < r->content.count ? r->content.at[page - r->first] : NULL;
}

void m_read(const m_memory *m, uint32_t address, void *to, uint64_t size) {
  for (uint64_t at = 0; at < size;) {
    uint32_t here = (uint32_t)(address + at), within = here % M_PAGE;
    uint64_t part = M_PAGE - within < size - at ? M_PAGE - within : size - at;
    const m_page *page = m_page_at(m, here / M_PAGE);
    if (page) memcpy((uint8_t *)to + at, page->bytes + within, part);
    else memset((uint8_t *)to + at, 0, part);
    at += part;
  }
}

/* A copy of the page takes its place among those that were written. */
static m_page *written(m_memory *m, uint32_t number) {
  const m_page *old = m_page_at(m, number);
  m_page *page = m_new(sizeof *page);
  if (old) memcpy(page->bytes, old->bytes, M_PAGE);
  size_t i = 0;
  while (i < m->dirty_count && m->dirty[i].page < number) i++;
  if (i < m->dirty_count && m->dirty[i].page == number) {
    m->dirty[i].bytes = page;
    return page;
  }
  m_dirty *longer = m_new((m->dirty_count + 1) * sizeof *longer);
  for (size_t k = 0; k < i; k++) longer[k] = m->dirty[k];
  longer[i] = (m_dirty){number, page};
  for (size_t k = i; k < m->dirty_count; k++) longer[k + 1] = m->dirty[k];
  m->dirty = longer;
  m->dirty_count++;
  return page;
}

void m_write(m_memory *m, uint32_t address, const void *from, uint64_t size) {
  for (uint64_t at = 0; at < size;) {
    uint32_t here = (uint32_t)(address + at), within = here % M_PAGE;
    uint64_t part = M_PAGE - within < size - at ? M_PAGE - within : size - at;
    memcpy(written(m, here / M_PAGE)->bytes + within, (const uint8_t *)from + at, part);
    at += part;
  }
}

uint64_t m_sbrk(m_memory *m, uint64_t size) {
  if (!m->has_heap) return 0;
  uint64_t end = m->heap_end;
  if (size == 0) return end;
  if (size > m->heap_limit - end) return 0;
  m->heap_end = end + size;
  return end;
}
