/* zstd compresses and expands made-up inputs at several levels: whole, as streams, with a dictionary; and refuses what
 * was damaged. Prints sizes and hashes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/xxhash.h"

#define INPUT_MAX 200000

static unsigned char input[INPUT_MAX], packed[INPUT_MAX + 4096], unpacked[INPUT_MAX];
static unsigned long long state;

static unsigned next_random(unsigned limit) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % limit;
}

static void fill_zeros(size_t size) { memset(input, 0, size); }

static void fill_random(size_t size) {
  for (size_t i = 0; i < size; i++) input[i] = (unsigned char)next_random(256);
}

/* Words of a small vocabulary, the first ones more often. */
static void fill_text(size_t size) {
  static const char *const words[] = {"the", "of",    "and",    "machine", "page",   "slot", "a",      "in",
                                      "to",  "block", "memory", "guest",   "called", "gas",  "answer", "register"};
  size_t used = 0;
  while (used < size) {
    const char *word = words[next_random(1 + next_random(16))];
    for (; *word != 0 && used < size; word++) input[used++] = (unsigned char)*word;
    if (used < size) input[used++] = next_random(12) == 0 ? '\n' : ' ';
  }
}

/* Records of 24 bytes with counters and few distinct values, as in a table. */
static void fill_table(size_t size) {
  for (size_t i = 0; i < size; i++) {
    size_t row = i / 24, column = i % 24;
    if (column < 4) input[i] = (unsigned char)(row >> (8 * column));
    else if (column < 12) input[i] = (unsigned char)"red  greenblue "[row * 7 % 3 * 5 + column % 5];
    else input[i] = (unsigned char)next_random(4);
  }
}

/* What repeats far apart, with small changes. */
static void fill_repeats(size_t size) {
  for (size_t i = 0; i < size; i++)
    input[i] = i < 5000 || next_random(200) == 0 ? (unsigned char)next_random(256) : input[i - 4999];
}

static const struct {
  const char *name;
  void (*fill)(size_t);
} kinds[] = {{"zeros", fill_zeros},
             {"random", fill_random},
             {"text", fill_text},
             {"table", fill_table},
             {"repeats", fill_repeats}};

static unsigned long long hash(const void *bytes, size_t size) { return XXH64(bytes, size, 0); }

/* Compresses `size` bytes of the input, expands them and says how it went; gives whether all is well. */
static int round_trip(const char *name, size_t size, int level) {
  size_t packed_size = ZSTD_compress(packed, sizeof packed, input, size, level);
  if (ZSTD_isError(packed_size)) {
    printf("%s: %s\n", name, ZSTD_getErrorName(packed_size));
    return 0;
  }
  memset(unpacked, 0xaa, size);
  size_t got = ZSTD_decompress(unpacked, sizeof unpacked, packed, packed_size);
  int good = got == size && memcmp(input, unpacked, size) == 0;
  printf("%s %zu level %d: %zu bytes, %016llx, %s\n", name, size, level, packed_size, hash(packed, packed_size),
         good ? "same" : "DIFFERENT");
  return good;
}

/* In pieces of odd sizes, with a checksum, a window of 2^window_log and long-distance matching. */
static int stream(size_t size, int level, int window_log) {
  ZSTD_CCtx *encoder = ZSTD_createCCtx();
  ZSTD_DCtx *decoder = ZSTD_createDCtx();
  ZSTD_outBuffer out = {packed, sizeof packed, 0};
  size_t at = 0, left, calls = 0;
  ZSTD_CCtx_setParameter(encoder, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(encoder, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(encoder, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(encoder, ZSTD_c_enableLongDistanceMatching, 1);
  do {
    size_t piece = 1 + next_random(9000);
    if (piece > size - at) piece = size - at;
    ZSTD_inBuffer in = {input + at, piece, 0};
    ZSTD_EndDirective mode = at + piece == size ? ZSTD_e_end : calls % 5 == 4 ? ZSTD_e_flush : ZSTD_e_continue;
    left = ZSTD_compressStream2(encoder, &out, &in, mode);
    at += in.pos;
    calls++;
  } while (!ZSTD_isError(left) && (at < size || left != 0));
  ZSTD_inBuffer from = {packed, 0, 0};
  ZSTD_outBuffer to = {unpacked, sizeof unpacked, 0};
  do {
    from.size = from.size + 777 < out.pos ? from.size + 777 : out.pos;
    left = ZSTD_decompressStream(decoder, &to, &from);
  } while (!ZSTD_isError(left) && left != 0);
  int good = !ZSTD_isError(left) && to.pos == size && memcmp(input, unpacked, size) == 0;
  printf("stream %zu level %d window %d: %zu bytes, %016llx, %s\n", size, level, window_log, out.pos,
         hash(packed, out.pos), good ? "same" : "DIFFERENT");
  ZSTD_freeCCtx(encoder);
  ZSTD_freeDCtx(decoder);
  return good;
}

/* Small messages with a dictionary that is trained on others like them. */
static int dictionary(void) {
  enum { SAMPLE = 300, SAMPLES = 120 };
  static size_t sizes[SAMPLES];
  static unsigned char trained[4096];
  fill_text(SAMPLE * SAMPLES);
  for (int i = 0; i < SAMPLES; i++) sizes[i] = SAMPLE;
  size_t trained_size = ZDICT_trainFromBuffer(trained, sizeof trained, input, sizes, SAMPLES);
  if (ZSTD_isError(trained_size)) {
    printf("dictionary: %s\n", ZSTD_getErrorName(trained_size));
    return 0;
  }
  printf("dictionary: %zu bytes, %016llx\n", trained_size, hash(trained, trained_size));
  ZSTD_CCtx *encoder = ZSTD_createCCtx();
  ZSTD_DCtx *decoder = ZSTD_createDCtx();
  size_t total = 0, plain = 0;
  int good = 1;
  for (int i = 0; i < 20; i++) {
    fill_text(SAMPLE);
    size_t size = ZSTD_compress_usingDict(encoder, packed, sizeof packed, input, SAMPLE, trained, trained_size, 3);
    size_t got = ZSTD_decompress_usingDict(decoder, unpacked, sizeof unpacked, packed, size, trained, trained_size);
    good &= got == SAMPLE && memcmp(input, unpacked, SAMPLE) == 0;
    total += size;
    plain += ZSTD_compress(packed, sizeof packed, input, SAMPLE, 3);
  }
  printf("20 messages of %d bytes: %zu with the dictionary, %zu without, %s\n", SAMPLE, total, plain,
         good ? "same" : "DIFFERENT");
  ZSTD_freeCCtx(encoder);
  ZSTD_freeDCtx(decoder);
  return good;
}

/* A frame that lost its end or has one wrong byte must be refused or, without a checksum, at least not overrun. */
static int damage(void) {
  ZSTD_CCtx *encoder = ZSTD_createCCtx();
  fill_text(3000);
  ZSTD_CCtx_setParameter(encoder, ZSTD_c_checksumFlag, 1);
  size_t size = ZSTD_compress2(encoder, packed, sizeof packed, input, 3000), refused = 0;
  ZSTD_freeCCtx(encoder);
  for (size_t i = 0; i < size; i += 7) {
    packed[i] ^= 0x10;
    size_t got = ZSTD_decompress(unpacked, sizeof unpacked, packed, size);
    if (ZSTD_isError(got)) refused++;
    else printf("wrong byte %zu: %zu bytes\n", i, got);
    if (i % 70 == 0) printf("wrong byte %zu: %s\n", i, ZSTD_getErrorName(got));
    packed[i] ^= 0x10;
  }
  printf("%zu refused; cut: %s; too small: %s\n", refused,
         ZSTD_getErrorName(ZSTD_decompress(unpacked, sizeof unpacked, packed, size - 1)),
         ZSTD_getErrorName(ZSTD_decompress(unpacked, 100, packed, size)));
  return 1;
}

int main(void) {
  static const int levels[] = {-5, 1, 3, 6, 12};
  int good = 1;
  printf("zstd %s\n", ZSTD_versionString());
  for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
    state = k;
    kinds[k].fill(100000);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) good &= round_trip(kinds[k].name, 100000, levels[i]);
    good &= round_trip(kinds[k].name, 12000, 19) & round_trip(kinds[k].name, 3000, 22);
    good &= round_trip(kinds[k].name, 0, 3) & round_trip(kinds[k].name, 1, 3) & round_trip(kinds[k].name, 259, 3);
  }
  fill_repeats(INPUT_MAX);
  good &= stream(INPUT_MAX, 3, 17) & stream(INPUT_MAX, 5, 12);
  good &= dictionary() & damage();
  return !good;
}
