/*
 * Looks for a short way round all towns. It asks its host how many pieces of the way it shall turn round by chance (a
 * kick), then turns pieces round as long as that makes the way shorter, and asks again. That it is forked meanwhile it
 * can't tell.
 */
#include <javm.h>

#include "agent.h"

static uint16_t distance[TOWNS][TOWNS];
static uint8_t way[TOWNS];
static uint64_t seed;

static void turn_round(int first, int last) {
  for (; first < last; first++, last--) {
    uint8_t town = way[first];
    way[first] = way[last];
    way[last] = town;
  }
}

static void kick(void) {
  int a = (int)(agent_random(&seed) % TOWNS), b = (int)(agent_random(&seed) % TOWNS);
  turn_round(a < b ? a : b, a < b ? b : a);
}

/* Turns the piece from first to last round if the way gets shorter by that. */
static bool improve(int first, int last) {
  int before = way[(first + TOWNS - 1) % TOWNS], behind = way[(last + 1) % TOWNS];
  if (distance[before][way[last]] + distance[way[first]][behind] >=
      distance[before][way[first]] + distance[way[last]][behind])
    return false;
  turn_round(first, last);
  return true;
}

static uint64_t plan(void) {
  agent_map(distance);
  for (int i = 0; i < TOWNS; i++) way[i] = (uint8_t)i;
  for (;;) {
    uint64_t answer = javm_host_call1(AGENT_ASK, way).value;
    if (answer == AGENT_STOP) return agent_length(way, distance);
    agent_random(&seed); /* so that no round is like another */
    for (uint64_t i = 0; i < answer; i++) kick();
    for (bool shorter = true; shorter;) {
      shorter = false;
      for (int first = 1; first < TOWNS; first++)
        for (int last = first + 1; last < TOWNS; last++) shorter |= improve(first, last);
    }
  }
}

JAVM_ENDPOINT(0, plan);
