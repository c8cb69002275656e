/* What agent.c and its host (examples/agents.c) agree on: the map, and how the agent asks. Both compile this. */
#ifndef AGENT_H
#define AGENT_H

#include <stdint.h>

/* Host function: (address of a way: TOWNS bytes, each town once); what comes back is a number of kicks, or AGENT_STOP. */
#define AGENT_ASK 70
#define AGENT_STOP 255

enum { TOWNS = 60 };

static inline uint64_t agent_random(uint64_t *seed) {
  *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return *seed >> 33;
}

static inline uint64_t agent_root(uint64_t n) {
  uint64_t root = 0;
  for (uint64_t bit = UINT64_C(1) << 16; bit; bit >>= 1)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return root;
}

/* The distance of each two towns, which lie in a square of 1000 by 1000. */
static inline void agent_map(uint16_t distance[TOWNS][TOWNS]) {
  uint64_t x[TOWNS], y[TOWNS], seed = 11;
  for (int i = 0; i < TOWNS; i++) x[i] = agent_random(&seed) % 1000, y[i] = agent_random(&seed) % 1000;
  for (int i = 0; i < TOWNS; i++)
    for (int j = 0; j < TOWNS; j++) {
      uint64_t across = x[i] > x[j] ? x[i] - x[j] : x[j] - x[i], along = y[i] > y[j] ? y[i] - y[j] : y[j] - y[i];
      distance[i][j] = (uint16_t)agent_root(across * across + along * along);
    }
}

/* Of the way round, back to its first town. */
static inline uint64_t agent_length(const uint8_t way[TOWNS], uint16_t distance[TOWNS][TOWNS]) {
  uint64_t length = 0;
  for (int i = 0; i < TOWNS; i++) length += distance[way[i]][way[(i + 1) % TOWNS]];
  return length;
}

#endif
