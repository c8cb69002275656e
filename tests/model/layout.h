/* Where things lie in the Instances of scripts. */
#ifndef MODEL_LAYOUT_H
#define MODEL_LAYOUT_H

#include "model/script.h"

enum {
  SLOT_MAIL = 0,
  SLOT_MARKER = 1, /* and the next */
  SLOT_CHILD = 3,  /* and the two after it */
  SLOT_NEST = 6,   /* a CNode; in its slot 3 another */
  SLOT_DATA = 7,   /* and the next */
  SLOT_IMAGE = 9,  /* and the next */
  SLOT_CNODE = 11,
  SLOT_GAS = 12,
  SLOT_QUOTA = 13,
  SLOT_CATCHER = 14,
  SLOT_KERNEL = 15, /* and the next */
  SLOT_TYPE = 17,
  SLOT_FILE = 18,
  SLOT_SMALL = 19,   /* a small CNode */
  SLOT_SCRATCH = 20, /* and more, up to 25 */
  SLOT_KEPT = 27,    /* where Paused Instances are put */
  SLOT_KIT = 26,     /* a CNode to spawn with */
  SLOT_PINNED = 30   /* Data, then an Image */
};

enum {
  RW_AT = 0x10000,
  SCRATCH_AT = 0x12000,
  RO_AT = 0x20000,
  NESTED_AT = 0x30000,
  HEAP_AT = 0x40000,
  BIG_AT = 0x1000000
};

enum { MAP_RW, MAP_SCRATCH, MAP_RO, MAP_NESTED, MAP_HEAP, MAP_BIG, MAP_COUNT };
static const javm_mapping m_layout[MAP_COUNT] = {
    [MAP_RW] = {RW_AT, 2 * M_PAGE, JAVM_MAPPING_PERSISTENT, 1, {SLOT_DATA}},
    [MAP_SCRATCH] = {SCRATCH_AT, 2 * M_PAGE, JAVM_MAPPING_EPHEMERAL, 0, {0}},
    [MAP_RO] = {RO_AT, 2 * M_PAGE, JAVM_MAPPING_PERSISTENT, 1, {SLOT_PINNED}}, /* read-only where the slot is pinned */
    [MAP_NESTED] = {NESTED_AT, 3 * M_PAGE, JAVM_MAPPING_PERSISTENT, 2, {SLOT_NEST, 2}},
    [MAP_HEAP] = {HEAP_AT, 3 * M_PAGE, JAVM_MAPPING_HEAP, 0, {0}},
    [MAP_BIG] = {BIG_AT, 0x900000, JAVM_MAPPING_EPHEMERAL, 0, {0}}, /* a load takes longer in the single-pass model */
};

#endif
