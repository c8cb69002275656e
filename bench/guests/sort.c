/* Quicksort of n pseudo-random numbers, at most LIMIT. The checksum depends on their order. */
#include "workload.h"

enum { LIMIT = 1 << 16, SMALL = 12 };

static void insertion_sort(uint64_t *numbers, uint64_t count) {
  for (uint64_t i = 1; i < count; i++) {
    uint64_t value = numbers[i], at = i;
    for (; at > 0 && numbers[at - 1] > value; at--) numbers[at] = numbers[at - 1];
    numbers[at] = value;
  }
}

static void sort(uint64_t *numbers, uint64_t count) {
  while (count > SMALL) {
    uint64_t pivot = numbers[count / 2], low = 0, high = count - 1;
    for (;; low++, high--) {
      while (numbers[low] < pivot) low++;
      while (numbers[high] > pivot) high--;
      if (low >= high) break;
      uint64_t other = numbers[low];
      numbers[low] = numbers[high];
      numbers[high] = other;
    }
    sort(numbers, low);
    numbers += low;
    count -= low;
  }
  insertion_sort(numbers, count);
}

uint64_t workload(uint64_t n) {
  uint64_t numbers[LIMIT], state = 1, sum = 0;
  if (n > LIMIT) return 0;
  for (uint64_t i = 0; i < n; i++) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    numbers[i] = state >> 33;
  }
  sort(numbers, n);
  for (uint64_t i = 0; i < n; i++) {
    if (i > 0 && numbers[i - 1] > numbers[i]) return 0;
    sum = sum * 31 + numbers[i];
  }
  return sum;
}
